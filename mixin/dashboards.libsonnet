// SPDX-License-Identifier: Apache-2.0
{
  grafanaDashboards+:: {
    'stagewatchd.json': import '../etc/grafana/stagewatchd.json',
  },
}
