{{- /* The ports of the brokers' addresses, of the model's and of where traces go, as YAML: what egress must allow. */}}
{{- define "promptmill.kafkaPorts" -}}
{{- range $address := splitList "," (required "kafka.bootstrapServers: host:port of your brokers" .Values.kafka.bootstrapServers) }}
{{- if not (regexMatch "^[^:/ ]+:[0-9]{1,5}$|^\\[[0-9A-Fa-f:]+\\]:[0-9]{1,5}$" (trim $address)) }}{{ fail (printf "kafka.bootstrapServers: %q is not host:port" $address) }}{{ end }}
- {{ regexFind "[0-9]+$" (trim $address) }}
{{- end }}
{{- end }}

{{- define "promptmill.llmPorts" -}}
- {{ include "promptmill.portOf" .Values.llm.baseUrl }}
{{- end }}

{{- define "promptmill.tracingPorts" -}}
{{- if .Values.tracing.endpoint }}
- {{ include "promptmill.portOf" .Values.tracing.endpoint }}
{{- else }}[]{{ end }}
{{- end }}

{{- define "promptmill.portOf" -}}
{{- $url := urlParse . }}
{{- regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (eq $url.scheme "http" | ternary "80" "443") }}
{{- end }}
