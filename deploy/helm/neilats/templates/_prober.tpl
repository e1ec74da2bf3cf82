{{/* The nodes that run probers, as the extender is told: of the others it misses no report. */}}
{{- define "neilats.proberNodes" -}}
{{- $parts := list }}
{{- range $key, $value := .Values.prober.nodeSelector }}{{ $parts = append $parts (printf "%s=%s" $key $value) }}{{ end }}
{{- join "," $parts }}
{{- end }}

{{- define "neilats.proberSettings" -}}
{{- $v := .Values }}
{{- $s := dict
  "interval_s" $v.intervalSeconds
  "log_level" $v.logLevel
  "log_format" $v.logFormat
  "probe_mode" $v.prober.mode
  "udp_port" $v.prober.udpPort
  "metrics_listen" (printf ":%d" (int $v.prober.metricsPort))
  "extender_urls" (list (printf "https://%s-extender.%s.svc:%d" (include "neilats.fullname" .) .Release.Namespace (int $v.extender.port)))
  "token_file" "/var/run/secrets/neilats/token"
  "ca_file" "/etc/neilats/ca.crt" }}
{{- mustMergeOverwrite $s (deepCopy ($v.prober.settings | default dict)) | toYaml }}
{{- end }}
