{{/* What every object's name begins with: the release's name, with the chart's unless it has it already. */}}
{{- define "registry-retention.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name -}}
{{- end -}}
{{- end -}}

{{/* The labels that select the operator's pod. They never change, since a Deployment's selector cannot. */}}
{{- define "registry-retention.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* The labels of every object. */}}
{{- define "registry-retention.labels" -}}
{{ include "registry-retention.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "registry-retention.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "registry-retention.fullname" .) -}}
{{- end -}}

{{/* The subject of every binding. */}}
{{- define "registry-retention.subjects" -}}
- kind: ServiceAccount
  name: {{ include "registry-retention.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{/* The namespaces in which the operator serves resources, separated by commas; empty for all of them. */}}
{{- define "registry-retention.namespaces" -}}
{{- if not .Values.allNamespaces -}}
{{- .Values.namespaces | default (list .Release.Namespace) | sortAlpha | join "," -}}
{{- end -}}
{{- end -}}

{{/* The namespaces in which garbage may be collected, each with an account for keepers, separated by commas. */}}
{{- define "registry-retention.collectionNamespaces" -}}
{{- if .Values.allNamespaces -}}
{{- .Values.collection.namespaces | sortAlpha | join "," -}}
{{- else -}}
{{- include "registry-retention.namespaces" . -}}
{{- end -}}
{{- end -}}

{{/* What it reads to see which images are in use. */}}
{{- define "registry-retention.workloadRules" -}}
- apiGroups: [""]
  resources: [pods, podtemplates, replicationcontrollers]
  verbs: [get, list, watch]
- apiGroups: [apps]
  resources: [controllerrevisions, daemonsets, deployments, replicasets, statefulsets]
  verbs: [get, list, watch]
- apiGroups: [batch]
  resources: [cronjobs, jobs]
  verbs: [get, list, watch]
{{- end -}}

{{/* What it does beside the resources that it serves. Plans are immutable, so nothing is updated. */}}
{{- define "registry-retention.writerRules" -}}
- apiGroups: [registry-retention.dev]
  resources: [registryretentions/status, registrycollections/status]
  verbs: [get, patch, update]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, create, delete]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{ include "registry-retention.storageRules" . }}
{{ include "registry-retention.collectionRules" . }}
{{- if not .Values.workloads.clusterWide }}
{{ include "registry-retention.workloadRules" . }}
{{- end }}
{{- end -}}

{{/* The Job that reads a registry's storage, made from its Deployment; its log is its result. */}}
{{- define "registry-retention.storageRules" -}}
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get]
- apiGroups: [""]
  resources: [persistentvolumeclaims, pods/log]
  verbs: [get]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, create, delete]
{{- end -}}

{{/* A collection: its resource, the Deployment that is frozen, the Jobs beside it, and the lease that its keeper watches. */}}
{{- define "registry-retention.collectionRules" -}}
- apiGroups: [registry-retention.dev]
  resources: [registrycollections]
  verbs: [get, list, watch, create, update, patch, delete]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, patch]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list]
# Whether a keeper can run there.
- apiGroups: [""]
  resources: [serviceaccounts]
  verbs: [get]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, create, update, patch]
{{- end -}}

{{/* The operator's image. */}}
{{- define "registry-retention.image" -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}

{{/* Values that are right each by itself and wrong together. */}}
{{- define "registry-retention.validate" -}}
{{- if .Values.allNamespaces -}}
  {{- if .Values.namespaces -}}
    {{- fail "\n\nnamespaces and allNamespaces exclude one another: leave out one of them" -}}
  {{- end -}}
  {{- if not .Values.workloads.clusterWide -}}
    {{- fail "\n\nworkloads.clusterWide: false needs a list of namespaces: leave out allNamespaces, or let workloads be read in the whole cluster" -}}
  {{- end -}}
{{- end -}}
{{- if and .Values.collection.namespaces (not .Values.allNamespaces) -}}
  {{- fail "\n\ncollection.namespaces goes with allNamespaces only: leave it out, garbage can be collected in every namespace that is served" -}}
{{- end -}}
{{- if and (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) -}}
  {{- fail "\n\nserviceAccount.create: false needs serviceAccount.name: the rights are not given to the namespace's default account" -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.service.enabled) -}}
  {{- fail "\n\nmetrics.serviceMonitor.enabled needs metrics.service.enabled: the monitor finds the operator through the Service" -}}
{{- end -}}
{{- end -}}
