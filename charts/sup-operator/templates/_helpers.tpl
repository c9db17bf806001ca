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

{{- define "sup-operator.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}
