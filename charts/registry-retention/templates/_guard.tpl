{{/* What the guard's policies have in common. The names are those of src/collection/marks.rs. */}}

{{/* The operator and the keepers of the request's namespace. */}}
{{- define "registry-retention.guard.ours" -}}
request.userInfo.username in [
  'system:serviceaccount:{{ .Release.Namespace }}:{{ include "registry-retention.serviceAccountName" . }}',
  'system:serviceaccount:' + request.namespace + ':registry-retention-keeper'
]
{{- end -}}

{{/* Whether the container `it` has our entry, once, and no other of its name. */}}
{{- define "registry-retention.guard.hasEntry" -}}
it.?env.orValue([])
  .filter(entry, entry.name == 'REGISTRY_STORAGE_MAINTENANCE_READONLY')
  .map(entry, entry.?value.orValue('')) == ['{"enabled":true}']
{{- end -}}

{{/* Whether the container `it` has one of the volumes with these names. */}}
{{- define "registry-retention.guard.hasOneOf" -}}
(it.?volumeMounts.orValue([]).exists(mount, mount.name in {{ . }})
  || it.?volumeDevices.orValue([]).exists(device, device.name in {{ . }}))
{{- end -}}

{{/* Whether the collection `params` holds its registry read-only, and nobody vouches that its collector is dead. */}}
{{- define "registry-retention.guard.isCollecting" -}}
params.?status.?phase.orValue('') in ['Freezing', 'Collecting']
  && params.metadata.?annotations[?'registry-retention.dev/collector-dead'].orValue('') != params.metadata.uid
{{- end -}}

{{/* Metadata of a policy and of its binding: (list . "name"). */}}
{{- define "registry-retention.guard.metadata" -}}
{{- $ := first . -}}
name: {{ include "registry-retention.fullname" $ }}-{{ last . }}
labels:
  {{- include "registry-retention.labels" $ | nindent 2 }}
{{- end -}}

{{/* Only in these namespaces, separated by commas; in all of them if there are none. */}}
{{- define "registry-retention.guard.namespaceSelector" -}}
{{- with . -}}
namespaceSelector:
  matchExpressions:
  - key: kubernetes.io/metadata.name
    operator: In
    values:
    {{- range splitList "," . }}
    - {{ . }}
    {{- end }}
{{- end -}}
{{- end -}}

{{/* Whether a part of object and oldObject is the same but for some keys: (list "Object.spec" "'one', 'other'"). */}}
{{- define "registry-retention.guard.sameBut" -}}
{{- $after := first . | replace "Object" "object" -}}
{{- $before := first . | replace "Object" "oldObject" -}}
dyn({{ $after }}).all(key, key in [{{ last . }}]
  || key in dyn({{ $before }}) && dyn({{ $after }})[key] == dyn({{ $before }})[key])
&& dyn({{ $before }}).all(key, key in [{{ last . }}] || key in dyn({{ $after }}))
{{- end -}}
