{{- /* Which value sets a variable: twice in one container, the API server would refuse it. */}}
{{- define "promptmill.ownVariables" -}}
PROMPTMILL_KAFKA__BOOTSTRAP_SERVERS: kafka.bootstrapServers
PROMPTMILL_KAFKA__TOPIC_PREFIX: kafka.topicPrefix
PROMPTMILL_KAFKA__REPLICATION_FACTOR: kafka.replicationFactor
PROMPTMILL_KAFKA__MIN_INSYNC_REPLICAS: kafka.minInsyncReplicas
PROMPTMILL_KAFKA__TASK_PARTITIONS: kafka.taskPartitions
PROMPTMILL_KAFKA__SECURITY_PROTOCOL: kafka.securityProtocol
PROMPTMILL_KAFKA__SASL_MECHANISM: kafka.saslMechanism
PROMPTMILL_KAFKA__SASL_USERNAME: kafka.credentialsSecret
PROMPTMILL_KAFKA__SASL_PASSWORD: kafka.credentialsSecret
PROMPTMILL_KAFKA__SSL_CAFILE: kafka.caSecret
PROMPTMILL_REDIS__URL: redis.urlSecret
PROMPTMILL_REDIS__KEY_PREFIX: redis.keyPrefix
PROMPTMILL_TRACING__ENDPOINT: tracing.endpoint
PROMPTMILL_TRACING__SAMPLE_RATIO: tracing.sampleRatio
PROMPTMILL_TRACING__HEADERS: tracing.headersSecret
PROMPTMILL_LLM__BASE_URL: llm.baseUrl
PROMPTMILL_LLM__MODEL: llm.model
PROMPTMILL_LLM__CALL_TIMEOUT_SECONDS: llm.callTimeoutSeconds
PROMPTMILL_LLM__API_KEY: llm.apiKeySecret
PROMPTMILL_TASKS__DEADLINE_SECONDS: tasks.deadlineSeconds
PROMPTMILL_TASKS__RESULT_TTL_SECONDS: tasks.resultTtlSeconds
PROMPTMILL_TASKS__MAX_ATTEMPTS: tasks.maxAttempts
PROMPTMILL_LOG__LEVEL: log.level
PROMPTMILL_LOG__FORMAT: nothing, for it is always json
PROMPTMILL_API__DRAIN_TIMEOUT_SECONDS: api.drainTimeoutSeconds
PROMPTMILL_API__OPERATOR_TOKEN: api.operatorTokenSecret
PROMPTMILL_WORKER__CONCURRENCY: consumer.concurrency
PROMPTMILL_WORKER__DRAIN_TIMEOUT_SECONDS: consumer.drainTimeoutSeconds
PROMPTMILL_WORKER__SHUTDOWN_GRACE_SECONDS: consumer.shutdownGraceSeconds
{{- end }}
