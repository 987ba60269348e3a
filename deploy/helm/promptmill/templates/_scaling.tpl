{{- /* How fast workers come and go: every step is a rebalance of the group. */}}
{{- define "promptmill.scalingBehavior" -}}
scaleUp:
  stabilizationWindowSeconds: 0
  policies:
    - {type: Pods, value: {{ .scaleUpPods }}, periodSeconds: {{ .scaleUpPeriodSeconds }}}
scaleDown:
  stabilizationWindowSeconds: {{ .scaleDownStabilizationSeconds }}
  policies:
    - {type: Pods, value: 1, periodSeconds: 60}
{{- end }}

{{- define "promptmill.checkedScaling" -}}
{{- $scaling := .Values.consumer.autoscaling }}
{{- if gt ($scaling.maxReplicas | int) (.Values.kafka.taskPartitions | int) }}{{ fail "consumer.autoscaling.maxReplicas is more than kafka.taskPartitions: the others would idle" }}{{ end }}
{{- if lt ($scaling.maxReplicas | int) ($scaling.minReplicas | int) }}{{ fail "consumer.autoscaling: maxReplicas is less than minReplicas" }}{{ end }}
{{- end }}
