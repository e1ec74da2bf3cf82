"""Settings of the services: defaults, a YAML file, `NEILATS_*` variables and flags, in rising precedence.

Each field carries its own parser and its help text, so that `--help`, the file, the environment and the documentation
cannot disagree. All mistakes are collected and reported at once, each with the setting's name, value and source.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import yaml

from neilats import parse

__all__ = ["ENV_PREFIX", "ExtenderSettings", "ProberSettings", "Settings", "SettingsError", "load_settings"]

ENV_PREFIX: Final = "NEILATS_"
_NAMED: Final = re.compile(r"\b(\w+)=")

S = TypeVar("S", bound="Settings")


class SettingsError(ValueError):
    """One or more settings are wrong; `mistakes` holds a line for each."""

    def __init__(self, mistakes: list[str]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(mistakes))


def _setting(default: Any, parser: Callable[[Any], Any], doc: str) -> Any:
    return field(default=default, metadata={"parse": parser, "doc": doc})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What both services share."""

    log_level: str = _setting("info", parse.choice("debug", "info", "warning", "error"), "least level that is logged")
    log_format: str = _setting("kv", parse.choice("kv", "json"), "log lines as key=value or JSON")
    interval_s: float = _setting(10.0, parse.number(0.05, 3600), "seconds between two samples of a path")

    def mistakes(self) -> list[str]:
        """What is wrong between settings that are each right by themselves; a line has each of them as NAME=VALUE."""
        return []

    @classmethod
    def help_rows(cls) -> list[tuple[str, str, str]]:
        """(name, default, doc) of every setting, for `--help` and the documentation."""
        return [(f.name, _shown(f.default), f.metadata["doc"]) for f in fields(cls)]

    def replace(self, **changes: Any) -> Self:
        """A copy with some settings changed, checked as a whole."""
        changed = type(self)(**{f.name: changes.get(f.name, getattr(self, f.name)) for f in fields(self)})
        if found := changed.mistakes():
            raise SettingsError(found)
        return changed


@dataclass(frozen=True, kw_only=True)
class ProberSettings(Settings):
    """Settings of `neilats prober`."""

    node_name: str = _setting("", parse.text, "this node's name in the cluster; the host's name when empty")
    extender_urls: tuple[str, ...] = _setting(
        ("http://neilats-extender:8080",),
        parse.urls,
        "extenders to report to; every address behind a name is a replica with its own acknowledgements",
    )
    metrics_listen: str = _setting("0.0.0.0:9427", parse.endpoint, "where /metrics, /healthz and /readyz listen")
    probe_mode: str = _setting(
        "auto",
        parse.choice("auto", "dgram", "raw", "udp"),
        "auto: ICMP over a datagram socket, else a raw one; udp: the echo of the other probers",
    )
    advertise: tuple[str, ...] = _setting(
        (), parse.addresses, "addresses at which other nodes probe this one; found from the routes when empty"
    )
    bind: tuple[str, ...] = _setting(
        (), parse.addresses, "source addresses of the probes; the system's choice if empty"
    )
    udp_port: int = _setting(9428, parse.integer(0, 65535), "port of the UDP echo, served in mode udp; 0 picks one")
    report_interval_s: float = _setting(5.0, parse.number(0.05, 600), "most seconds between two reports")
    burst_count: int = _setting(10, parse.integer(0, 1000), "quick first samples of a new target")
    burst_interval_s: float = _setting(1.0, parse.number(0.05, 60), "seconds between the samples of a burst")
    timeout_s: float = _setting(2.0, parse.number(0.01, 60), "a reply later than this counts as lost")
    ring_samples: int = _setting(128, parse.integer(64, 4096), "samples kept of each target")
    control_interval_s: float = _setting(1.0, parse.number(0.05, 60), "seconds between loopback control probes")
    control_limit_ms: float = _setting(
        1.0, parse.number(0.01, 1000), "a loopback round trip above this marks the prober itself as the noise"
    )
    lag_limit_ms: float = _setting(
        100.0, parse.number(1, 10000), "an event loop lag above this marks the prober itself as the noise"
    )
    max_targets: int = _setting(10_000, parse.integer(1, 100_000), "most targets that the prober accepts")
    token_file: str = _setting(
        "",
        parse.existing_file,
        "file with the bearer token of this prober's reports, read again as it changes; none if empty",
    )
    ca_file: str = _setting(
        "",
        parse.existing_file,
        "CA (PEM) that signs the extenders' certificates, read again as it changes; the system's if empty",
    )

    def mistakes(self) -> list[str]:
        """Cross-checks of the prober's settings."""
        found = []
        if self.burst_interval_s > self.interval_s:
            found.append(
                f"burst_interval_s={self.burst_interval_s:g} is longer than interval_s={self.interval_s:g}: "
                "a burst is quicker than the regular samples"
            )
        return found


@dataclass(frozen=True, kw_only=True)
class ExtenderSettings(Settings):
    """Settings of `neilats extender`."""

    webhook_listen: str = _setting(
        "127.0.0.1:8888",
        parse.endpoint,
        "where kube-scheduler's calls listen: a loopback address, or TLS with a required client certificate",
    )
    webhook_tls_cert: str = _setting("", parse.existing_file, "certificate (PEM) for `webhook_listen`")
    webhook_tls_key: str = _setting("", parse.existing_file, "private key (PEM) that belongs to `webhook_tls_cert`")
    webhook_client_ca: str = _setting(
        "", parse.existing_file, "CA (PEM) of the client certificates that may call the webhooks"
    )
    webhook_verbs: tuple[str, ...] = _setting(
        ("filter", "prioritize", "preempt"),
        parse.choices("filter", "prioritize", "preempt"),
        "verbs that kube-scheduler is configured to call; `require` pods are warned where filter or preempt is missing",
    )
    listen: str = _setting("0.0.0.0:8080", parse.endpoint, "where reports, /v1, /metrics and health listen")
    tls_cert: str = _setting(
        "", parse.existing_file, "certificate (PEM) for `listen`, read again as it changes; plain HTTP when empty"
    )
    tls_key: str = _setting("", parse.existing_file, "private key (PEM) that belongs to `tls_cert`")
    client_ca: str = _setting(
        "",
        parse.existing_file,
        "CA (PEM) of client certificates that may call `listen` in place of a token; none when empty",
    )
    metrics_listen: str = _setting(
        "", parse.optional_endpoint, "plain and open listener of /metrics, /healthz and /readyz beside `listen`, if any"
    )
    legacy_listen: str = _setting(
        "", parse.optional_endpoint, "plain and open listener of the old plugin's three calls, if any"
    )
    report_auth: str = _setting(
        "address",
        parse.choice("address", "token"),
        "who may write a row: address: by where reports come from; token: by a service account token's node",
    )
    reporters: tuple[str, ...] = _setting(
        (), parse.names, "users whose tokens may report, such as system:serviceaccount:neilats:neilats-prober"
    )
    api_auth: str = _setting(
        "none",
        parse.choice("none", "required"),
        "required: /v1 and the plugin's calls need a token that Kubernetes authorizes for their path, or a certificate",
    )
    open_paths: tuple[str, ...] = _setting(
        ("metrics", "health"), parse.choices("metrics", "health"), "what on `listen` needs neither all the same"
    )
    audiences: tuple[str, ...] = _setting(
        ("neilats",), parse.names, "audiences that a token must be meant for, any one"
    )
    token_reviews_per_s: float = _setting(
        50.0,
        parse.number(0.1, 10_000),
        "most token reviews a second that are asked of the API server; half as many again after a quiet time",
    )
    trusted_callers: tuple[str, ...] = _setting(
        ("127.0.0.0/8", "::1/128"),
        parse.networks,
        "networks whose callers need no token for /v1: by loopback come exec and port-forward, which Kubernetes checks",
    )
    cluster: str = _setting(
        "auto",
        parse.choice("auto", "in-cluster", "kubeconfig", "none"),
        "where nodes come from; auto: in-cluster if there is a service account, else `kubeconfig`, else `nodes`",
    )
    kubeconfig: str = _setting("", parse.existing_file, "kubeconfig file for `cluster: kubeconfig`")
    nodes: tuple[tuple[str, str], ...] = _setting(
        (), parse.nodes, "static nodes without a cluster: name=address,... (the address may be left to the reports)"
    )
    prober_nodes: str = _setting(
        "kubernetes.io/os!=windows",
        parse.text,
        "label selector of the nodes that run probers; of the others no report is missed (!= also holds without the "
        "label)",
    )
    profile: str = _setting("forecast", parse.text, "scoring profile of pods that name none")
    forecaster: str = _setting(
        "auto", parse.text, "auto: the promoted networks, else the package's, else the median; median; decayed-mean"
    )
    models_dir: str = _setting("", parse.text, "directory of `neilats models`; only the package's models when empty")
    models_poll_s: float = _setting(5.0, parse.number(0.05, 3600), "seconds between two looks for promoted models")
    forecast_threads: int = _setting(2, parse.integer(1, 64), "most threads that compute a forecast")
    forecast_cpu_share: float = _setting(
        0.25, parse.number(0.01, 1), "share of a core that computing forecasts ahead may take"
    )
    shadow: bool = _setting(False, parse.boolean, "compute, record and explain everything, but answer neutrally")
    window_slots: int = _setting(64, parse.integer(8, 4096), "samples kept of each path")
    stale_after_s: float = _setting(
        0.0, parse.number(0, 86400), "age at which a path counts as unknown; 0: 4 intervals"
    )
    deadline_ms: float = _setting(200.0, parse.number(1, 60_000), "a webhook answers neutrally after this time")
    measuring_grace_s: float = _setting(
        20.0, parse.number(0, 600), "how long a `require` pod waits for the first samples of a path"
    )
    ready_after_s: float = _setting(60.0, parse.number(0, 3600), "ready at the latest after this, reports or not")
    decisions_kept: int = _setting(1000, parse.integer(1, 1_000_000), "decisions kept for explain")
    record_dir: str = _setting(
        "", parse.text, "folder in which what is ingested is recorded, for replay; none if empty"
    )
    record_max_mib: float = _setting(
        1024.0, parse.number(1, 10_000_000), "most that recordings may take there; the oldest are removed"
    )
    report_max_mib: float = _setting(4.0, parse.number(0.001, 1024), "largest report accepted")
    webhook_max_mib: float = _setting(40.0, parse.number(0.001, 1024), "largest kube-scheduler call accepted")
    events: bool = _setting(True, parse.boolean, "write events on pods: why this node, and whether the promise holds")
    events_lease: str = _setting(
        "",
        parse.text,
        "NAMESPACE/NAME of the Lease whose holder speaks of placed pods; without one every replica does",
    )
    promise_check_s: float = _setting(
        10.0, parse.number(0.05, 3600), "seconds between two looks at the promises of placed pods"
    )
    cors_origin: str = _setting("", parse.text, "Access-Control-Allow-Origin of the old plugin's calls; none if empty")
    trusted_reporters: tuple[str, ...] = _setting(
        ("127.0.0.0/8", "::1/128"), parse.networks, "networks whose reports may write any node's row"
    )
    ip_family: str = _setting(
        "auto", parse.choice("auto", "ipv4", "ipv6"), "family that probers use; auto prefers IPv4"
    )

    @property
    def fresh_for_s(self) -> float:
        """Seconds after which a path without a new sample counts as unknown."""
        return self.stale_after_s or 4 * self.interval_s

    def mistakes(self) -> list[str]:
        """Cross-checks of the extender's settings."""
        found = [*self._tls_mistakes(), *self._access_mistakes()]
        if self.cluster == "kubeconfig" and not self.kubeconfig:
            found.append("cluster='kubeconfig' needs kubeconfig=FILE")
        if 0 < self.stale_after_s < self.interval_s:
            found.append(
                f"stale_after_s={self.stale_after_s:g} is shorter than interval_s={self.interval_s:g}: "
                "every path would be unknown between two samples"
            )
        return found

    def _tls_mistakes(self) -> list[str]:
        """Certificates without keys, and listeners that would be open."""
        found = []
        if bool(self.tls_cert) != bool(self.tls_key):
            found.append(f"tls_cert={self.tls_cert!r} and tls_key={self.tls_key!r}: set both or neither")
        if self.client_ca and not self.tls_cert:
            found.append(
                f"client_ca={self.client_ca!r} needs tls_cert and tls_key: certificates are shown over TLS only"
            )
        webhook_tls = (self.webhook_tls_cert, self.webhook_tls_key, self.webhook_client_ca)
        if any(webhook_tls) and not all(webhook_tls):
            found.append(
                f"webhook_tls_cert={webhook_tls[0]!r}, webhook_tls_key={webhook_tls[1]!r} and "
                f"webhook_client_ca={webhook_tls[2]!r}: set all three or none"
            )
        if not any(webhook_tls) and not parse.is_loopback(self.webhook_listen):
            found.append(
                f"webhook_listen={self.webhook_listen!r}: kube-scheduler sends no credentials, so without TLS this "
                "must be a loopback address such as 127.0.0.1:8888; elsewhere set webhook_tls_cert=FILE, "
                "webhook_tls_key=FILE and webhook_client_ca=FILE"
            )
        return found

    def _access_mistakes(self) -> list[str]:
        """Tokens that nothing could verify."""
        found = []
        if self.report_auth == "token" and not self.reporters:
            found.append(
                "report_auth='token' needs reporters=USER, the probers' service account, "
                "such as system:serviceaccount:neilats:neilats-prober"
            )
        needs = [n for n, asked in (("report_auth", "token"), ("api_auth", "required")) if getattr(self, n) == asked]
        if self.cluster == "none" and needs:
            wanted = " and ".join(f"{n}={getattr(self, n)!r}" for n in needs)
            found.append(f"cluster='none': {wanted} cannot be: tokens are verified by a cluster's API server")
        if needs and not self.audiences:
            found.append("audiences='': name at least one, such as neilats: a token meant for nobody proves nothing")
        if self.events_lease and not all(self.events_lease.partition("/")):
            found.append(f"events_lease={self.events_lease!r}: expected NAMESPACE/NAME, such as neilats/neilats-events")
        return found


def _shown(default: Any) -> str:
    if isinstance(default, tuple):
        return ",".join(str(d) for d in default)
    return "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)


def load_settings(
    kind: type[S],
    *,
    file: Path | None = None,
    env: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
    parsers: Mapping[str, Callable[[Any], Any]] | None = None,
) -> S:
    """Settings of a service from its sources; raises SettingsError with every mistake at once.

    `parsers` replace a field's own where only the caller knows what is allowed, such as the names of the profiles.
    """
    known = {f.name: f.metadata["parse"] for f in fields(kind)} | dict(parsers or {})
    read = _Reader(known, file)
    read.take("environment", _from_env(env or {}))
    read.take("flag", {k: v for k, v in (flags or {}).items() if v is not None})
    settings = kind(**read.values)
    read.mistakes += [m for m in settings.mistakes() if read.unknown.isdisjoint(_NAMED.findall(m))]
    if read.mistakes:
        raise SettingsError(read.mistakes)
    return settings


class _Reader:
    """Takes one source after the other; `unknown` are the settings whose value could not be read."""

    def __init__(self, parsers: Mapping[str, Callable[[Any], Any]], file: Path | None) -> None:
        self._parsers = parsers
        self.values: dict[str, Any] = {}
        self.mistakes: list[str] = []
        raw = _read_file(file, self.mistakes)
        self.unknown = set(parsers) if self.mistakes else set()
        self.take(str(file), raw)

    def take(self, source: str, raw: Mapping[str, Any]) -> None:
        for name, value in raw.items():
            if name not in self._parsers:
                self.mistakes += _unknown(self._parsers, source, name)
                continue
            try:
                self.values[name] = self._parsers[name](value)
                self.unknown.discard(name)
            except ValueError as e:
                self.unknown.add(name)
                shown = f"{ENV_PREFIX}{name.upper()}" if source == "environment" else name
                self.mistakes.append(f"{shown}={value!r} ({source}): {e}")


def _unknown(parsers: Mapping[str, object], source: str, name: str) -> list[str]:
    """A line for a name that no service knows; one file may serve both services, so the other's names are fine.

    Unknown variables pass: Kubernetes itself injects NEILATS_..._PORT for a Service called neilats.
    """
    everyone = {f.name for k in (ProberSettings, ExtenderSettings) for f in fields(k)}
    if name in everyone or source == "environment":
        return []
    close = get_close_matches(name, sorted(parsers), n=1)
    return [f"{name} ({source}): no such setting" + (f"; did you mean {close[0]}?" if close else "")]


def _from_env(env: Mapping[str, str]) -> dict[str, str]:
    return {k.removeprefix(ENV_PREFIX).lower(): v for k, v in env.items() if k.startswith(ENV_PREFIX)}


def _read_file(file: Path | None, mistakes: list[str]) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as e:
        mistakes.append(f"{file}: {e}")
        return {}
    if raw is not None and not isinstance(raw, dict):
        mistakes.append(f"{file}: expected `name: value` lines, found {type(raw).__name__}")
    return {str(k): v for k, v in raw.items()} if isinstance(raw, dict) else {}
