{{- define "sup-operator.labels" -}}
app.kubernetes.io/name: sup-operator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: sup-messenger
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "sup-operator.selector" -}}
app.kubernetes.io/name: sup-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* An image of another registry, when one is given: Docker's rule says what a host is. */ -}}
{{- define "sup-operator.rehome" -}}
{{- $registry := .registry | trimSuffix "/" -}}
{{- $parts := splitn "/" 2 .reference -}}
{{- $hasHost := and $parts._1 (or (contains "." $parts._0) (contains ":" $parts._0) (eq $parts._0 "localhost")) -}}
{{- if $registry }}{{ $registry }}/{{ ternary $parts._1 .reference (not (not $hasHost)) }}{{ else }}{{ .reference }}{{ end -}}
{{- end }}

{{- define "sup-operator.image" -}}
{{- $image := .Values.image -}}
{{- $repository := include "sup-operator.rehome" (dict "registry" .Values.registry "reference" $image.repository) -}}
{{- if $image.digest -}}
{{ $repository }}@{{ $image.digest }}
{{- else -}}
{{ $repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}
