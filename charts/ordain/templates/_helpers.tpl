{{/* The name of everything; room is left for suffixes. */}}
{{- define "ordain.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "ordain.instance" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* The operator's pod, and nothing else of the release. */}}
{{- define "ordain.selector" -}}
{{ include "ordain.instance" . }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "ordain.testSelector" -}}
{{ include "ordain.instance" . }}
app.kubernetes.io/component: test
{{- end }}

{{- define "ordain.labels" -}}
{{ include "ordain.instance" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/*
The metadata of an object: {root, name, [namespace], [labels], [annotations]}. Without a namespace it is the release's;
"-" is none. What tells whose an object is wins over its own labels, these over the common ones.
*/}}
{{- define "ordain.metadata" -}}
{{- $root := .root -}}
{{- $labels := merge (dict) (include "ordain.labels" $root | fromYaml) (default dict .labels) $root.Values.commonLabels -}}
{{- $annotations := merge (dict) (default dict .annotations) $root.Values.commonAnnotations -}}
name: {{ .name | quote }}
{{- $namespace := default $root.Release.Namespace .namespace }}
{{- if ne $namespace "-" }}
namespace: {{ $namespace | quote }}
{{- end }}
labels: {{- toYaml $labels | nindent 2 }}
{{- with $annotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "ordain.serviceAccount" -}}
{{- if not (or .Values.serviceAccount.create .Values.serviceAccount.name) -}}
{{- fail "\n\nserviceAccount: with create off, name the one that is there (serviceAccount.name)" -}}
{{- end -}}
{{- default (include "ordain.fullname" .) .Values.serviceAccount.name -}}
{{- end }}

{{- define "ordain.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end }}

{{/* What the container may do: nothing beyond its volume. */}}
{{- define "ordain.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}
