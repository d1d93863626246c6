// SPDX-License-Identifier: Apache-2.0
(import 'config.libsonnet') + (import 'alerts.libsonnet') + (import 'dashboards.libsonnet')
