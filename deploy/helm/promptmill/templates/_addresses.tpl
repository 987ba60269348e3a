{{- /* The ports of the brokers' addresses, of the model's, of where traces go and of proxies, as YAML: what egress must allow. */}}
{{- define "promptmill.kafkaPorts" -}}
{{- range $address := splitList "," (required "kafka.bootstrapServers: host:port of your brokers" .Values.kafka.bootstrapServers) }}
{{- if not (regexMatch "^[^:/ ]+:[0-9]{1,5}$|^\\[[0-9A-Fa-f:]+\\]:[0-9]{1,5}$" (trim $address)) }}{{ fail (printf "kafka.bootstrapServers: %q is not host:port" $address) }}{{ end }}
- {{ include "promptmill.checkedPort" (dict "port" (regexFind "[0-9]+$" (trim $address)) "of" "kafka.bootstrapServers") }}
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

{{- /* Addresses in extraEnvironment: HTTP_PROXY and its like, OTEL_EXPORTER_OTLP_ENDPOINT and its like. */}}
{{- define "promptmill.extraPorts" -}}
{{- $ports := list }}
{{- range $name, $address := .Values.extraEnvironment }}
{{- if and (regexMatch "_(PROXY|ENDPOINT)$" $name) (ne $name "NO_PROXY") (kindIs "string" $address) $address }}
{{- if not (regexMatch "^(https?|socks5h?)://[^/?#]" $address) }}{{ fail (printf "extraEnvironment.%s: should begin with http://, https:// or socks5://" $name) }}{{ end }}
{{- $ports = append $ports (include "promptmill.portOf" $address) }}
{{- end }}
{{- end }}
{{- toJson $ports }}
{{- end }}

{{- define "promptmill.portOf" -}}
{{- $url := urlParse . }}
{{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (get (dict "http" "80" "https" "443" "socks5" "1080" "socks5h" "1080") $url.scheme) }}
{{- include "promptmill.checkedPort" (dict "port" $port "of" $url.host) }}
{{- end }}

{{- define "promptmill.checkedPort" -}}
{{- if or (lt (int .port) 1) (gt (int .port) 65535) }}{{ fail (printf "%s: there is no port %s" .of .port) }}{{ end }}
{{- .port }}
{{- end }}
