{{- /* An agent of every node: on by default, except where the operator is held to some namespaces. */ -}}
{{- define "sup-operator.agentEnabled" -}}
{{- $agent := index .root.Values.agents .key -}}
{{- $wanted := not .root.Values.watchNamespaces -}}
{{- if kindIs "bool" $agent.enabled }}{{ $wanted = $agent.enabled }}{{ end -}}
{{- if and $wanted (index .root.Values.components .image) }}true{{ end -}}
{{- end }}

{{- define "sup-operator.anyAgentEnabled" -}}
{{- $promtail := include "sup-operator.agentEnabled" (dict "root" . "key" "promtail" "image" "promtail") -}}
{{- $exporter := include "sup-operator.agentEnabled" (dict "root" . "key" "nodeExporter" "image" "node-exporter") -}}
{{- if or $promtail $exporter }}true{{ end -}}
{{- end }}

{{- define "sup-operator.agentSelector" -}}
app.kubernetes.io/name: {{ .agent }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "sup-operator.agentLabels" -}}
{{ include "sup-operator.agentSelector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: sup-messenger
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{- define "sup-operator.componentImage" -}}
{{ include "sup-operator.rehome" (dict "registry" .root.Values.registry "reference" (index .root.Values.components .name)) }}
{{- end }}
