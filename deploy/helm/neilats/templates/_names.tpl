{{/* Names, labels and images that every template uses. */}}

{{- define "neilats.name" -}}
{{- .Values.nameOverride | default "neilats" | trunc 45 | trimSuffix "-" }}
{{- end }}

{{/* Cut to 45 so that with every suffix it still fits a Service's name and a label. */}}
{{- define "neilats.fullname" -}}
{{- $name := include "neilats.name" . }}
{{- $found := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- .Values.fullnameOverride | default $found | trunc 45 | trimSuffix "-" }}
{{- end }}

{{- define "neilats.selector" -}}
app.kubernetes.io/name: {{ include "neilats.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "neilats.labels" -}}
{{ include "neilats.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: neilats
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Pods that run an extender, wherever it runs; Services and `neilats doctor` find them by this. */}}
{{- define "neilats.extenderSelector" -}}
{{ include "neilats.selector" . }}
neilats.io/extender: "true"
{{- end }}

{{- define "neilats.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* registry.k8s.io has v1.36.3 and v1.36.0-rc.1, but no v1.36.3-eks-abc, v1.36.3-gke.100 or v1.36.3+k3s1. */}}
{{- define "neilats.upstreamVersion" -}}
{{- regexFind "^v[0-9]+\\.[0-9]+\\.[0-9]+(-(alpha|beta|rc)\\.[0-9]+)?" . }}
{{- end }}

{{- define "neilats.schedulerImage" -}}
{{- $image := .Values.scheduler.image -}}
{{ $image.repository }}:{{ $image.tag | default (include "neilats.upstreamVersion" .Capabilities.KubeVersion.Version) }}
{{- end }}

{{/* kube-scheduler has /readyz since 1.31. By its own version, as far as the image's tag says one, else the cluster's. */}}
{{- define "neilats.schedulerReadyPath" -}}
{{- $version := regexFind "^v?[0-9]+\\.[0-9]+(\\.[0-9]+)?" (.Values.scheduler.image.tag | default "") | default .Capabilities.KubeVersion.Version -}}
{{ semverCompare ">=1.31.0-0" $version | ternary "/readyz" "/healthz" }}
{{- end }}

{{/* Where the parts run: `beside` kube-scheduler, as an own `deployment`, or as a `daemonset` of the control plane. */}}
{{- define "neilats.extenderKind" -}}
{{- if eq .Values.mode "extender-only" }}daemonset{{ else if .Values.split }}deployment{{ else }}beside{{ end }}
{{- end }}

{{- define "neilats.tlsSecret" -}}
{{- eq .Values.tls.type "existingSecret" | ternary .Values.tls.existingSecret (printf "%s-tls" (include "neilats.fullname" .)) }}
{{- end }}

{{- define "neilats.clientSecret" -}}
{{- $own := printf "%s-webhook-client" (include "neilats.fullname" .) }}
{{- eq .Values.tls.type "existingSecret" | ternary .Values.tls.existingClientSecret $own }}
{{- end }}

{{/* Every name by which the extender is called: its three Services in all their forms, and this host by exec. */}}
{{- define "neilats.dnsNames" -}}
{{- $ns := .Release.Namespace }}
{{- $names := list "localhost" }}
{{- range $suffix := list "extender" "api" "webhooks" }}
{{- $service := printf "%s-%s" (include "neilats.fullname" $) $suffix }}
{{- range $tail := list "" (printf ".%s" $ns) (printf ".%s.svc" $ns) (printf ".%s.svc.cluster.local" $ns) }}
{{- $names = append $names (print $service $tail) }}
{{- end }}
{{- end }}
{{- toJson $names }}
{{- end }}

{{/* "true" where the Prometheus operator's API is used. Takes a dict of `root` and `enabled`. */}}
{{- define "neilats.operator" -}}
{{- $there := .root.Capabilities.APIVersions.Has "monitoring.coreos.com/v1" }}
{{- if eq (toString .enabled) "auto" }}{{ $there }}{{ else }}{{ .enabled }}{{ end }}
{{- end }}

{{/* Plain and open /metrics of their own; where either metrics or health is protected, all is on the TLS port. */}}
{{- define "neilats.plainMetrics" -}}
{{- and (eq .Values.auth.metrics "open") (eq .Values.auth.health "open") }}
{{- end }}

{{/* What Prometheus finds pods by where there is no operator. Takes a dict of `root`, `port` and `scheme`. */}}
{{- define "neilats.scrapeAnnotations" -}}
{{- if ne (include "neilats.operator" (dict "root" .root "enabled" .root.Values.metrics.podMonitor.enabled)) "true" }}
prometheus.io/scrape: "true"
prometheus.io/port: {{ .port | toString | quote }}
prometheus.io/path: /metrics
prometheus.io/scheme: {{ .scheme }}
{{- end }}
{{- end }}

{{- define "neilats.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
# So that keys and tokens need not be readable by everybody.
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "neilats.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* The pod's own account's credentials, to be mounted in one container only; what automounting would give to all. */}}
{{- define "neilats.accountVolume" -}}
projected:
  defaultMode: 0440
  sources:
  - serviceAccountToken: {path: token, expirationSeconds: 3607}
  - configMap:
      name: kube-root-ca.crt
      items: [{key: ca.crt, path: ca.crt}]
  - downwardAPI:
      items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]
{{- end }}

{{/* Replicas prefer nodes of their own. Takes a dict of `root` and `component`. */}}
{{- define "neilats.apart" -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
  - weight: 100
    podAffinityTerm:
      topologyKey: kubernetes.io/hostname
      labelSelector:
        matchLabels: {{- include "neilats.selector" .root | nindent 10 }}
          app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "neilats.scrape" -}}
{{- $v := .Values.metrics.podMonitor -}}
interval: {{ $v.interval }}
scrapeTimeout: {{ $v.scrapeTimeout }}
{{- with $v.relabelings }}
relabelings: {{- toYaml . | nindent 0 }}
{{- end }}
{{- with $v.metricRelabelings }}
metricRelabelings: {{- toYaml . | nindent 0 }}
{{- end }}
{{- end }}

{{/* What a test needs before its pod runs; gone after the test, passed or failed. Takes the weight. */}}
{{- define "neilats.hook" -}}
helm.sh/hook: test
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}
