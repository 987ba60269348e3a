{{- define "promptmill.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "promptmill.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
privileged: false
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
capabilities: {drop: [ALL]}
{{- end }}

{{- define "promptmill.probes" -}}
startupProbe:
  httpGet: {path: /livez, port: operations}
  periodSeconds: 2
  failureThreshold: 30
# Fails only when this process should be replaced; what is away beside it is no reason.
livenessProbe:
  httpGet: {path: /livez, port: operations}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /readyz, port: operations}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 2
{{- end }}

{{- define "promptmill.spread" -}}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels: {{- include "promptmill.selector" $ | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end }}

{{- /* Call these with (dict "root" $ "servers" (list "kafka")): whose certificates are needed. */}}
{{- define "promptmill.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 32Mi}
{{- range $server := .servers }}
{{- $values := get $.root.Values $server }}
{{- if or $values.caSecret $values.clientCertificateSecret }}
- name: {{ $server }}-tls
  projected:
    # Readable by the group alone, which is fsGroup's.
    defaultMode: 0440
    sources:
      {{- with $values.caSecret }}
      - secret:
          name: {{ .name | quote }}
          items: [{key: {{ .key | quote }}, path: ca.crt}]
      {{- end }}
      {{- with $values.clientCertificateSecret }}
      - secret:
          name: {{ .name | quote }}
          items:
            - {key: {{ .keys.certificate | quote }}, path: tls.crt}
            - {key: {{ .keys.key | quote }}, path: tls.key}
      {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "promptmill.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- range $server := .servers }}
{{- $values := get $.root.Values $server }}
{{- if or $values.caSecret $values.clientCertificateSecret }}
- {name: {{ $server }}-tls, mountPath: /etc/promptmill/{{ $server }}, readOnly: true}
{{- end }}
{{- end }}
{{- end }}
