{{/* The extender's settings, container and volumes, shared by the three workloads that may hold it. */}}

{{- define "neilats.extenderSettings" -}}
{{- $name := include "neilats.fullname" . }}
{{- $ns := .Release.Namespace }}
{{- $v := .Values }}
{{- $open := list }}
{{- if eq $v.auth.health "open" }}{{ $open = append $open "health" }}{{ end }}
{{- if and (eq $v.auth.metrics "open") (ne (include "neilats.plainMetrics" .) "true") }}{{ $open = append $open "metrics" }}{{ end }}
{{- $s := dict
  "cluster" "in-cluster"
  "interval_s" $v.intervalSeconds
  "log_level" $v.logLevel
  "log_format" $v.logFormat
  "listen" (printf ":%d" (int $v.extender.port))
  "tls_cert" "/etc/neilats/tls/tls.crt"
  "tls_key" "/etc/neilats/tls/tls.key"
  "webhook_verbs" $v.scheduler.verbs
  "report_auth" $v.auth.reports
  "reporters" (list (printf "system:serviceaccount:%s:%s-prober" $ns $name))
  "api_auth" $v.auth.api
  "open_paths" $open
  "audiences" (list "neilats")
  "prober_nodes" (include "neilats.proberNodes" .)
  "events_lease" (printf "%s/%s-events" $ns $name) }}
{{- with $v.probing }}
{{- $_ := set $s "mesh_nodes" (int .meshNodes) }}
{{- $_ := set $s "probe_budget" (int .budget) }}
{{- $_ := set $s "probe_neighbours" (int .neighbours) }}
{{- $_ := set $s "hot_for_s" (int .hotForSeconds) }}
{{- end }}
{{- if eq (include "neilats.plainMetrics" .) "true" }}
{{- $_ := set $s "metrics_listen" (printf ":%d" (int $v.extender.metricsPort)) }}
{{- end }}
{{- if and $v.plugin.legacyHttp.enabled (eq $v.mode "extender-only") }}
{{- fail "plugin.legacyHttp.enabled: with mode extender-only the extender is on the host's network, so the old plugin's plain and open port would be on every control-plane node's own address; set plugin.legacyHttp.enabled to false, or use mode scheduler" }}
{{- end }}
{{- if $v.plugin.legacyHttp.enabled }}
{{- $_ := set $s "legacy_listen" (printf ":%d" (int $v.plugin.legacyHttp.port)) }}
{{- end }}
{{- if $v.auth.clientCaSecret }}{{ $_ := set $s "client_ca" "/etc/neilats/client-ca/ca.crt" }}{{ end }}
{{- if ne $v.models.source "packaged" }}{{ $_ := set $s "models_dir" "/var/lib/neilats/models" }}{{ end }}
{{- $kind := include "neilats.extenderKind" . }}
{{- if and (eq $kind "daemonset") (eq $v.auth.health "protected") }}
{{- fail "auth.health: with mode extender-only nothing could ask a protected /readyz, because loopback is the whole host there and is not trusted; set auth.health to open" }}
{{- end }}
{{- if eq $kind "deployment" }}
{{- $_ := set $s "webhook_listen" (printf ":%d" (int $v.extender.webhookPort)) }}
{{- $_ := set $s "webhook_tls_cert" "/etc/neilats/tls/tls.crt" }}
{{- $_ := set $s "webhook_tls_key" "/etc/neilats/tls/tls.key" }}
{{- $_ := set $s "webhook_client_ca" "/etc/neilats/webhook-client-ca/ca.crt" }}
{{- else }}
{{- $_ := set $s "webhook_listen" "127.0.0.1:8888" }}
{{- end }}
{{- if eq $kind "daemonset" }}
{{- /* On the host's network everything on the node comes by loopback, so it proves nothing there. */}}
{{- $_ := set $s "trusted_callers" list }}
{{- $_ := set $s "trusted_reporters" list }}
{{- end }}
{{- mustMergeOverwrite $s (deepCopy ($v.extender.settings | default dict)) | toYaml }}
{{- end }}

{{/* By exec where health needs a token too, because a kubelet has none. Takes a dict of `root` and `path`. */}}
{{- define "neilats.extenderCheck" -}}
{{- if eq .root.Values.auth.health "protected" -}}
exec: {command: [neilats, health{{ if eq .path "/healthz" }}, --live{{ end }}]}
timeoutSeconds: 10
{{- else -}}
httpGet: {path: {{ .path }}, port: api, scheme: HTTPS}
timeoutSeconds: 5
{{- end }}
{{- end }}

{{- define "neilats.extenderContainer" -}}
{{- $v := .Values -}}
name: extender
image: {{ include "neilats.image" . }}
imagePullPolicy: {{ $v.image.pullPolicy }}
args:
- extender
- --config=/etc/neilats/neilats.yaml
{{- range $v.extender.extraArgs }}
- {{ . | quote }}
{{- end }}
env:
# For people: `kubectl exec ... -c extender -- neilats explain NAMESPACE/POD`
{{- $here := printf "https://localhost:%d" (int $v.extender.port) }}
{{- if include "neilats.severalReplicas" . }}
# One replica decided, and none knows what another did: this one is asked first, then all.
{{- $all := printf "https://%s-extender.%s.svc:%d" (include "neilats.fullname" .) .Release.Namespace (int $v.extender.port) }}
- {name: NEILATS_URL, value: "{{ $here }},{{ $all }}"}
- {name: NEILATS_TOKEN_FILE, value: /var/run/secrets/neilats/token}
{{- else }}
- {name: NEILATS_URL, value: {{ $here | quote }}}
{{- end }}
- {name: NEILATS_CA_FILE, value: /etc/neilats/tls/ca.crt}
{{- with $v.extender.extraEnv }}
{{ toYaml . }}
{{- end }}
ports:
- {name: api, containerPort: {{ $v.extender.port }}}
{{- if eq (include "neilats.plainMetrics" .) "true" }}
- {name: metrics, containerPort: {{ $v.extender.metricsPort }}}
{{- end }}
{{- if eq (include "neilats.extenderKind" .) "deployment" }}
- {name: webhooks, containerPort: {{ $v.extender.webhookPort }}}
{{- end }}
{{- if $v.plugin.legacyHttp.enabled }}
- {name: legacy, containerPort: {{ $v.plugin.legacyHttp.port }}}
{{- end }}
# Ready once 80 % of the probers have reported, or after a minute (ready_after_s).
startupProbe:
  {{- include "neilats.extenderCheck" (dict "root" . "path" "/readyz") | nindent 2 }}
  periodSeconds: 1
  failureThreshold: 180
readinessProbe:
  {{- include "neilats.extenderCheck" (dict "root" . "path" "/readyz") | nindent 2 }}
  periodSeconds: 5
  failureThreshold: 2
livenessProbe:
  {{- include "neilats.extenderCheck" (dict "root" . "path" "/healthz") | nindent 2 }}
  periodSeconds: 10
  failureThreshold: 6
{{- if eq (include "neilats.extenderKind" .) "deployment" }}
# Until nobody is sent here any more: a refused call is a blind decision. By exec, as Kubernetes 1.29 knows no sleep.
lifecycle:
  preStop: {exec: {command: [sleep, "5"]}}
{{- end }}
resources: {{- toYaml $v.extender.resources | nindent 2 }}
securityContext: {{- include "neilats.containerSecurity" . | nindent 2 }}
volumeMounts:
- {name: extender-account, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
- {name: extender-files, mountPath: /etc/neilats, readOnly: true}
{{- if include "neilats.severalReplicas" . }}
- {name: caller, mountPath: /var/run/secrets/neilats, readOnly: true}
{{- end }}
{{- if ne $v.models.source "packaged" }}
- {name: models, mountPath: /var/lib/neilats/models, readOnly: {{ ne $v.models.source "pvc" | ternary true $v.models.pvc.readOnly }}}
{{- end }}
{{- with $v.extender.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Without the extender's account, which depends on whose pod it is. */}}
{{- define "neilats.extenderVolumes" -}}
{{- $v := .Values -}}
# Renewed certificates are read as they change: no pod restarts for one, so no checksum of these Secrets is anywhere.
- name: extender-files
  projected:
    defaultMode: 0440
    sources:
    - configMap: {name: {{ include "neilats.fullname" . }}-extender-config}
    - secret:
        name: {{ include "neilats.tlsSecret" . | quote }}
        items: [{key: tls.crt, path: tls/tls.crt}, {key: tls.key, path: tls/tls.key}, {key: ca.crt, path: tls/ca.crt}]
    {{- if eq (include "neilats.extenderKind" .) "deployment" }}
    - secret:
        name: {{ include "neilats.clientSecret" . | quote }}
        items: [{key: ca.crt, path: webhook-client-ca/ca.crt}]
    {{- end }}
    {{- with $v.auth.clientCaSecret }}
    - secret:
        name: {{ . | quote }}
        items: [{key: ca.crt, path: client-ca/ca.crt}]
    {{- end }}
{{- if include "neilats.severalReplicas" . }}
# Of the pod's account, good for calls of the extender only.
- name: caller
  projected:
    defaultMode: 0440
    sources:
    - serviceAccountToken: {path: token, audience: neilats, expirationSeconds: {{ $v.auth.tokenExpirationSeconds }}}
{{- end }}
{{- if eq $v.models.source "pvc" }}
- name: models
  persistentVolumeClaim: {claimName: {{ $v.models.pvc.claimName | quote }}, readOnly: {{ $v.models.pvc.readOnly }}}
{{- else if eq $v.models.source "image" }}
- name: models
  image: {{- toYaml $v.models.image | nindent 4 }}
{{- else if eq $v.models.source "configMap" }}
- name: models
  configMap: {name: {{ $v.models.configMap.name | quote }}}
{{- end }}
{{- with $v.extender.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "neilats.extenderAnnotations" -}}
checksum/extender-config: {{ include "neilats.extenderSettings" . | sha256sum | quote }}
{{- $plain := eq (include "neilats.plainMetrics" .) "true" }}
{{- include "neilats.scrapeAnnotations" (dict "root" . "port" ($plain | ternary .Values.extender.metricsPort .Values.extender.port) "scheme" ($plain | ternary "http" "https")) }}
{{- with .Values.extender.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The rest of a pod that holds nothing but the extender, under its own account. */}}
{{- define "neilats.extenderPod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
schedulerName: default-scheduler
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 0 }}
{{- end }}
{{- with .Values.extender.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
terminationGracePeriodSeconds: 30
securityContext: {{- include "neilats.podSecurity" . | nindent 2 }}
containers:
- {{- include "neilats.extenderContainer" . | nindent 2 }}
volumes:
- name: extender-account
  {{- include "neilats.accountVolume" . | nindent 2 }}
{{ include "neilats.extenderVolumes" . }}
{{- end }}

{{/* Where such a pod may run. Takes a dict of `root`, `nodeSelector` and `tolerations`. */}}
{{- define "neilats.extenderPlace" -}}
{{- $v := .root.Values.extender -}}
nodeSelector: {{- toYaml .nodeSelector | nindent 2 }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
affinity: {{- $v.affinity | default (include "neilats.apart" (dict "root" .root "component" "extender") | fromYaml) | toYaml | nindent 2 }}
{{- with $v.topologySpreadConstraints }}
topologySpreadConstraints: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* "true" where people who ask one extender by exec have to ask others too, for which they need a token. */}}
{{- define "neilats.severalReplicas" -}}
{{- $kind := include "neilats.extenderKind" . -}}
{{- $replicas := eq $kind "deployment" | ternary .Values.extender.replicas .Values.scheduler.replicas -}}
{{- if or (eq $kind "daemonset") (gt (int $replicas) 1) }}true{{ end }}
{{- end }}
