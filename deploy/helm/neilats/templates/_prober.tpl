{{- define "neilats.proberSettings" -}}
{{- $v := .Values }}
{{- $s := dict
  "interval_s" $v.intervalSeconds
  "log_level" $v.logLevel
  "log_format" $v.logFormat
  "probe_mode" $v.prober.mode
  "udp_port" $v.prober.udpPort
  "metrics_listen" (printf "0.0.0.0:%d" (int $v.prober.metricsPort))
  "extender_urls" (list (printf "https://%s-extender.%s.svc:%d" (include "neilats.fullname" .) .Release.Namespace (int $v.extender.port)))
  "token_file" "/var/run/secrets/neilats/token"
  "ca_file" "/etc/neilats/ca.crt" }}
{{- mustMergeOverwrite $s (deepCopy $v.prober.settings) | toYaml }}
{{- end }}
