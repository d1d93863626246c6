{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{- define "stagewatchd.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "stagewatchd.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "stagewatchd.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "stagewatchd.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "stagewatchd.selector" -}}
app.kubernetes.io/name: {{ include "stagewatchd.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "stagewatchd.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "stagewatchd.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "stagewatchd.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "stagewatchd.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "stagewatchd.image" -}}
{{- $i := .Values.image }}
{{- $name := ternary (printf "%s/%s" $i.registry $i.repository) $i.repository (ne $i.registry "") }}
{{- if $i.digest }}
{{- printf "%s@%s" $name $i.digest }}
{{- else }}
{{- printf "%s:%s" $name (default .Chart.AppVersion $i.tag) }}
{{- end }}
{{- end }}

{{/* One value of the configuration. A line break would begin a key of its own. */}}
{{- define "stagewatchd.value" -}}
{{- $text := "" }}
{{- if kindIs "bool" .value }}
{{- $text = ternary "yes" "no" .value }}
{{- else if kindIs "float64" .value }}
{{- $text = toJson .value }}
{{- else }}
{{- $text = toString .value }}
{{- end }}
{{- if regexMatch "[\\r\\n]" $text }}
{{- fail (printf "%s of [%s]: a value holds one line" .key .section) }}
{{- end }}
{{- $text }}
{{- end }}

{{/* The keys of a section, one a line; a list repeats its key. */}}
{{- define "stagewatchd.keys" -}}
{{- $section := .section }}
{{- range $key, $value := .keys }}
{{- $values := ternary $value (list $value) (kindIs "slice" $value) }}
{{- range $values }}
{{- if not (kindIs "invalid" .) }}
{{ $key }} = {{ include "stagewatchd.value" (dict "section" $section "key" $key "value" .) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Who tells CPU seconds, where a section does not say. */}}
{{- define "stagewatchd.cpuVia" -}}
{{- if .Values.probe.enabled }}probe{{ else if .Values.rbac.nodesProxy }}kubelet{{ end }}
{{- end }}

{{- define "stagewatchd.claim" -}}
accessModes:
  {{- toYaml .Values.persistence.accessModes | nindent 2 }}
{{- with .Values.persistence.storageClass }}
storageClassName: {{ ternary "" . (eq . "-") | quote }}
{{- end }}
resources:
  requests:
    storage: {{ .Values.persistence.size }}
{{- end }}

{{/* The keys of [leader]: of several replicas one acts, by a Lease, unless the values say otherwise. */}}
{{- define "stagewatchd.leader" -}}
{{- $own := dict }}
{{- if gt (int .Values.replicas) 1 }}
{{- $own = dict "type" "lease" "name" (include "stagewatchd.fullname" .) }}
{{- end }}
{{- merge (dict) (default (dict) .Values.config.leader) $own | toYaml }}
{{- end }}

{{- define "stagewatchd.probeSelector" -}}
app.kubernetes.io/name: {{ include "stagewatchd.name" . | trunc 57 | trimSuffix "-" }}-probe
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "stagewatchd.probeConfig" -}}
# Made from the values of the chart.
[daemon]
log_format = {{ default "json" .Values.config.daemon.log_format }}
[web]
listen = :{{ .Values.probe.port }}
[probe]
enabled = yes
{{- end }}

{{- define "stagewatchd.config" -}}
{{- $c := .Values.config -}}
{{- $via := include "stagewatchd.cpuVia" . }}
{{- if .Values.probe.enabled }}
{{- $c = merge (dict "probe" (merge (dict) $c.probe (dict "port" .Values.probe.port))) $c }}
{{- end -}}
{{- $leader := include "stagewatchd.leader" . | fromYaml }}
{{- if and (gt (int .Values.replicas) 1) (eq (toString $leader.type) "none") }}
{{- fail "config.leader.type: several replicas take lease or etcd: each of them would act" }}
{{- end }}
{{- $c = merge (dict "leader" $leader) (omit $c "leader") }}
# Made from the values of the chart.
{{- range $kind := list "daemon" "web" "probe" "evidence" "limits" "leader" }}
{{- with get $c $kind }}
[{{ $kind }}]
{{- include "stagewatchd.keys" (dict "section" $kind "keys" .) }}
{{- end }}
{{- end }}
{{- range $kind := list "spark" "airflow" "notify" "maintenance" }}
{{- range $name, $keys := get $c $kind }}
{{- if and $via (eq $kind "spark") (eq (toString $keys.type) "kubernetes") }}
{{- $keys = merge (dict) $keys (dict "cpu_via" $via) }}
{{- end }}
[{{ $kind }} {{ $name }}]
{{- include "stagewatchd.keys" (dict "section" (printf "%s %s" $kind $name) "keys" $keys) }}
{{- end }}
{{- end }}
{{- range $c.rules }}
[rule {{ .name }}]
{{- include "stagewatchd.keys" (dict "section" (printf "rule %s" .name) "keys" (omit . "name")) }}
{{- end }}
{{- with $c.extra }}
{{ . | trimSuffix "\n" }}
{{- end }}
{{- end }}

{{/* What of the configuration takes a new pod: all of it, unless the daemon reloads by itself. */}}
{{- define "stagewatchd.restartOn" -}}
{{- $d := .Values.config.daemon }}
{{- if has (toString $d.reload_on_change) (list "true" "yes") }}
{{- list .Values.config.web.listen $d.control_socket $d.state_dir $d.max_parallel_requests (include "stagewatchd.leader" .) | toJson | sha256sum }}
{{- else }}
{{- include "stagewatchd.config" . | sha256sum }}
{{- end }}
{{- end }}

{{/* The alert rules. Their links lead to the daemon that was scraped, whose address is a pod's: unless it is said where
people reach it, or where runbook and dashboard are. */}}
{{- define "stagewatchd.rules" -}}
{{- $p := .Values.prometheusRule }}
{{- $text := .Files.Get "files/stagewatchd.rules.yml" | required "the chart lacks files/stagewatchd.rules.yml" }}
{{- with $p.runbookUrl }}
{{- $text = regexReplaceAll "(?m)^( +runbook_url: ).*/runbook/" $text (printf "${1}%s/" (trimSuffix "/" .)) }}
{{- end }}
{{- with $p.dashboardUrl }}
{{- $text = regexReplaceAll "(?m)^( +dashboard_url: ).*$" $text (printf "${1}%s" .) }}
{{- end }}
{{- with .Values.config.web.external_url }}
{{- $text = regexReplaceAll "(?m)^( +[a-z]+_url: )http://\\{\\{[^}]*\\}\\}" $text (printf "${1}%s" (trimSuffix "/" .)) }}
{{- end }}
{{- $text }}
{{- end }}

{{/* The port of [web] listen. */}}
{{- define "stagewatchd.port" -}}
{{- regexFind "[0-9]+$" .Values.config.web.listen }}
{{- end }}
