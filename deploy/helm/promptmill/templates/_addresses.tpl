{{- /* The ports of the brokers' addresses, and of the model's, as YAML: what egress must allow. */}}
{{- define "promptmill.kafkaPorts" -}}
{{- range $address := splitList "," (required "kafka.bootstrapServers: host:port of your brokers" .Values.kafka.bootstrapServers) }}
{{- if not (regexMatch "^[^:/ ]+:[0-9]{1,5}$|^\\[[0-9A-Fa-f:]+\\]:[0-9]{1,5}$" (trim $address)) }}{{ fail (printf "kafka.bootstrapServers: %q is not host:port" $address) }}{{ end }}
- {{ regexFind "[0-9]+$" (trim $address) }}
{{- end }}
{{- end }}

{{- define "promptmill.llmPorts" -}}
{{- $url := urlParse .Values.llm.baseUrl }}
- {{ regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (eq $url.scheme "http" | ternary "80" "443") }}
{{- end }}
