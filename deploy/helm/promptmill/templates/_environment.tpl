{{- /* What every part is told about Kafka. */}}
{{- define "promptmill.kafkaEnvironment" -}}
{{- $kafka := .Values.kafka }}
{{- $_ := include "promptmill.kafkaPorts" . }}
{{- if lt ($kafka.replicationFactor | int) ($kafka.minInsyncReplicas | int) }}{{ fail "kafka.minInsyncReplicas is more than kafka.replicationFactor: nothing could be written" }}{{ end }}
- {name: PROMPTMILL_KAFKA__BOOTSTRAP_SERVERS, value: {{ required "kafka.bootstrapServers: host:port of your brokers" $kafka.bootstrapServers | quote }}}
- {name: PROMPTMILL_KAFKA__TOPIC_PREFIX, value: {{ $kafka.topicPrefix | quote }}}
- {name: PROMPTMILL_KAFKA__REPLICATION_FACTOR, value: {{ $kafka.replicationFactor | quote }}}
- {name: PROMPTMILL_KAFKA__MIN_INSYNC_REPLICAS, value: {{ $kafka.minInsyncReplicas | quote }}}
- {name: PROMPTMILL_KAFKA__TASK_PARTITIONS, value: {{ $kafka.taskPartitions | quote }}}
- {name: PROMPTMILL_KAFKA__SECURITY_PROTOCOL, value: {{ $kafka.securityProtocol }}}
{{- if hasPrefix "SASL" $kafka.securityProtocol }}
{{- $secret := $kafka.credentialsSecret }}
{{- if not $secret }}{{ fail "kafka.credentialsSecret: SASL needs a Secret with user name and password" }}{{ end }}
- {name: PROMPTMILL_KAFKA__SASL_MECHANISM, value: {{ $kafka.saslMechanism }}}
- name: PROMPTMILL_KAFKA__SASL_USERNAME
  valueFrom: {secretKeyRef: {name: {{ $secret.name | quote }}, key: {{ $secret.keys.username | quote }}}}
- name: PROMPTMILL_KAFKA__SASL_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ $secret.name | quote }}, key: {{ $secret.keys.password | quote }}}}
{{- end }}
{{- if and (or $kafka.caSecret $kafka.clientCertificateSecret) (not (hasSuffix "SSL" $kafka.securityProtocol)) }}{{ fail "kafka.caSecret and kafka.clientCertificateSecret need SSL or SASL_SSL in kafka.securityProtocol: nothing would be encrypted" }}{{ end }}
{{- if $kafka.caSecret }}
- {name: PROMPTMILL_KAFKA__SSL_CAFILE, value: /etc/promptmill/kafka/ca.crt}
{{- end }}
{{- with $kafka.clientCertificateSecret }}
- {name: PROMPTMILL_KAFKA__SSL_CERTFILE, value: /etc/promptmill/kafka/tls.crt}
- {name: PROMPTMILL_KAFKA__SSL_KEYFILE, value: /etc/promptmill/kafka/tls.key}
{{- if .keys.password }}
- name: PROMPTMILL_KAFKA__SSL_KEY_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ .name | quote }}, key: {{ .keys.password | quote }}}}
{{- end }}
{{- end }}
- {name: PROMPTMILL_TASKS__DEADLINE_SECONDS, value: {{ .Values.tasks.deadlineSeconds | int | quote }}}
- {name: PROMPTMILL_TASKS__RESULT_TTL_SECONDS, value: {{ .Values.tasks.resultTtlSeconds | int | quote }}}
- {name: PROMPTMILL_TASKS__MAX_ATTEMPTS, value: {{ .Values.tasks.maxAttempts | quote }}}
- {name: PROMPTMILL_LOG__LEVEL, value: {{ .Values.log.level }}}
- {name: PROMPTMILL_LOG__FORMAT, value: json}
{{- $own := include "promptmill.ownVariables" . | fromYaml }}
{{- range $name, $value := .Values.extraEnvironment }}
{{- with get $own $name }}{{ fail (printf "extraEnvironment.%s: the chart sets it, from %s" $name .) }}{{ end }}
{{- if regexMatch "__(OPERATIONS_)?(HOST|PORT)$" $name }}{{ fail (printf "extraEnvironment.%s: Service, probes and policies know the ports of the images alone" $name) }}{{ end }}
{{- if kindIs "map" $value }}
- name: {{ $name }}
  valueFrom: {secretKeyRef: {name: {{ $value.name | quote }}, key: {{ $value.key | quote }}}}
{{- else }}
{{- if or (regexMatch "HEADERS|SECRET|KEY|TOKEN|PASSWORD|CREDENTIAL|URL$" $name) (regexMatch "//[^/?#]*@" $value) }}{{ fail (printf "extraEnvironment.%s: secrets are not written out, give {name, key} of a Secret" $name) }}{{ end }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}
{{- end }}

{{- /* That and Redis: what both services are told. */}}
{{- define "promptmill.environment" -}}
{{ include "promptmill.kafkaEnvironment" . }}
{{- if not .Values.redis.urlSecret }}{{ fail "redis.urlSecret: {name, key} of a Secret with the address of your Redis" }}{{ end }}
- name: PROMPTMILL_REDIS__URL
  valueFrom: {secretKeyRef: {name: {{ .Values.redis.urlSecret.name | quote }}, key: {{ .Values.redis.urlSecret.key | quote }}}}
- {name: PROMPTMILL_REDIS__KEY_PREFIX, value: {{ .Values.redis.keyPrefix | quote }}}
{{- with .Values.tracing }}
{{- if .endpoint }}
- {name: PROMPTMILL_TRACING__ENDPOINT, value: {{ .endpoint | quote }}}
- {name: PROMPTMILL_TRACING__SAMPLE_RATIO, value: {{ .sampleRatio | quote }}}
{{- if .headersSecret }}
- name: PROMPTMILL_TRACING__HEADERS
  valueFrom: {secretKeyRef: {name: {{ .headersSecret.name | quote }}, key: {{ .headersSecret.key | quote }}}}
{{- end }}
{{- end }}
{{- end }}
{{- if .Values.redis.caSecret }}
- {name: PROMPTMILL_REDIS__SSL_CAFILE, value: /etc/promptmill/redis/ca.crt}
{{- end }}
{{- with .Values.redis.clientCertificateSecret }}
- {name: PROMPTMILL_REDIS__SSL_CERTFILE, value: /etc/promptmill/redis/tls.crt}
- {name: PROMPTMILL_REDIS__SSL_KEYFILE, value: /etc/promptmill/redis/tls.key}
{{- if .keys.password }}
- name: PROMPTMILL_REDIS__SSL_KEY_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ .name | quote }}, key: {{ .keys.password | quote }}}}
{{- end }}
{{- end }}
{{- end }}
