{{/* How kube-scheduler is told to ask the extender; also what NOTES.txt shows for the control plane's own. */}}
{{- define "neilats.extenderEntry" -}}
{{- $v := .Values.scheduler -}}
{{- if eq (include "neilats.extenderKind" .) "deployment" -}}
urlPrefix: https://{{ include "neilats.fullname" . }}-webhooks.{{ .Release.Namespace }}.svc:{{ .Values.extender.webhookPort }}/scheduler
enableHTTPS: true
# Without caFile kube-scheduler would take any certificate.
tlsConfig:
  caFile: /etc/kubernetes/webhook-client/ca.crt
  certFile: /etc/kubernetes/webhook-client/tls.crt
  keyFile: /etc/kubernetes/webhook-client/tls.key
{{- else -}}
urlPrefix: http://127.0.0.1:8888/scheduler
{{- end }}
{{- range $v.verbs }}
{{ . }}Verb: {{ . }}
{{- end }}
weight: {{ $v.weight }}
httpTimeout: {{ $v.httpTimeout }}
# Names in place of whole nodes: quicker, and since 1.33 the other way hides the nodes' resources from scores.
nodeCacheCapable: true
# With the extender down pods are scheduled without it.
ignorable: true
{{- end }}

{{- define "neilats.schedulerConfig" -}}
{{- $v := .Values.scheduler -}}
{{- $profile := dict "schedulerName" $v.name "percentageOfNodesToScore" $v.percentageOfNodesToScore }}
{{- $lease := dict "leaderElect" true "resourceLock" "leases" "resourceNamespace" .Release.Namespace "resourceName" (printf "%s-scheduler" (include "neilats.fullname" .)) }}
{{- $config := dict
  "apiVersion" "kubescheduler.config.k8s.io/v1"
  "kind" "KubeSchedulerConfiguration"
  "leaderElection" $lease
  "profiles" (list (mustMergeOverwrite $profile (deepCopy ($v.profile | default dict))))
  "extenders" (list (include "neilats.extenderEntry" . | fromYaml)) }}
{{- mustMergeOverwrite $config (deepCopy ($v.config | default dict)) | toYaml }}
{{- end }}
