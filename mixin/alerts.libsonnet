// SPDX-License-Identifier: Apache-2.0
// The rules as they are shipped, with the links of the configuration.
local shipped = std.parseYaml(importstr '../etc/prometheus/stagewatchd.rules.yml');

{
  local config = $._config,

  // What stands before the first "}}" is the address of the daemon.
  local withBase(url, base) =
    if base == null then url else base + url[std.findSubstr('}}', url)[0] + 2:],

  local link(name, url, alert) =
    if name == 'runbook_url' && config.runbookURL != null then config.runbookURL + '/' + alert
    else if name == 'dashboard_url' && config.dashboardURL != null then config.dashboardURL
    else if std.endsWith(name, '_url') then withBase(url, config.webURL)
    else url,

  local withConfig(rule) = rule + (
    if std.objectHas(rule, 'alert') then {
      labels+: config.alertLabels,
      annotations: std.mapWithKey(function(name, value) link(name, value, rule.alert), rule.annotations),
    } else {}
  ),

  // Alerts and the two recorded series that they are made of, which belong in one group.
  prometheusAlerts+:: {
    groups+: [
      group { rules: [withConfig(rule) for rule in group.rules] }
      for group in shipped.groups
    ],
  },
}
