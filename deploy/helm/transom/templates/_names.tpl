{{- define "transom.name" -}}
{{ printf "%s-transom" .Release.Name | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "transom.selector" -}}
app.kubernetes.io/name: transom
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "transom.labels" -}}
{{ include "transom.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}
