{{- define "promptmill.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- /* Labels that select the pods of a component; call with (dict "root" $ "component" "api"). */}}
{{- define "promptmill.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "promptmill.labels" -}}
{{ include "promptmill.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "promptmill.image" -}}
{{- $image := .root.Values.image }}
{{- with $image.registry }}{{ trimSuffix "/" . }}/{{ end }}promptmill-{{ .component }}:{{ $image.tag | default .root.Chart.AppVersion }}
{{- with get $image.digests .component }}@{{ . }}{{ end }}
{{- end }}

{{- /* The topics' hook runs before anything of the release exists: it has a name of its own for all it needs. */}}
{{- define "promptmill.hook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}
