"""Settings of `neilats extender`."""

from dataclasses import dataclass

from neilats import parse
from neilats.settings.base import Settings, setting

__all__ = ["ExtenderSettings"]


@dataclass(frozen=True, kw_only=True)
class ExtenderSettings(Settings):
    """Settings of `neilats extender`."""

    webhook_listen: str = setting(
        "127.0.0.1:8888",
        parse.endpoint,
        "where kube-scheduler's calls listen: a loopback address, or TLS with a required client certificate",
    )
    webhook_tls_cert: str = setting("", parse.existing_file, "certificate (PEM) for `webhook_listen`")
    webhook_tls_key: str = setting("", parse.existing_file, "private key (PEM) that belongs to `webhook_tls_cert`")
    webhook_client_ca: str = setting(
        "", parse.existing_file, "CA (PEM) of the client certificates that may call the webhooks"
    )
    webhook_verbs: tuple[str, ...] = setting(
        ("filter", "prioritize", "preempt"),
        parse.choices("filter", "prioritize", "preempt"),
        "verbs that kube-scheduler is configured to call; `require` pods are warned where filter or preempt is missing",
    )
    listen: str = setting("0.0.0.0:8080", parse.endpoint, "where reports, /v1, /metrics and health listen")
    tls_cert: str = setting(
        "", parse.existing_file, "certificate (PEM) for `listen`, read again as it changes; plain HTTP when empty"
    )
    tls_key: str = setting("", parse.existing_file, "private key (PEM) that belongs to `tls_cert`")
    client_ca: str = setting(
        "",
        parse.existing_file,
        "CA (PEM) of client certificates that may call `listen` in place of a token; none when empty",
    )
    metrics_listen: str = setting(
        "", parse.optional_endpoint, "plain and open listener of /metrics, /healthz and /readyz beside `listen`, if any"
    )
    legacy_listen: str = setting(
        "", parse.optional_endpoint, "plain and open listener of the old plugin's three calls, if any"
    )
    report_auth: str = setting(
        "address",
        parse.choice("address", "token"),
        "who may write a row: address: by where reports come from; token: by a service account token's node",
    )
    reporters: tuple[str, ...] = setting(
        (), parse.names, "users whose tokens may report, such as system:serviceaccount:neilats:neilats-prober"
    )
    api_auth: str = setting(
        "none",
        parse.choice("none", "required"),
        "required: /v1 and the plugin's calls need a token that Kubernetes authorizes for their path, or a certificate",
    )
    open_paths: tuple[str, ...] = setting(
        ("metrics", "health"), parse.choices("metrics", "health"), "what on `listen` needs neither all the same"
    )
    audiences: tuple[str, ...] = setting(("neilats",), parse.names, "audiences that a token must be meant for, any one")
    token_reviews_per_s: float = setting(
        50.0,
        parse.number(0.1, 10_000),
        "most token reviews a second that are asked of the API server; half as many again after a quiet time",
    )
    trusted_callers: tuple[str, ...] = setting(
        ("127.0.0.0/8", "::1/128"),
        parse.networks,
        "networks whose callers need no token for /v1: by loopback come exec and port-forward, which Kubernetes checks",
    )
    cluster: str = setting(
        "auto",
        parse.choice("auto", "in-cluster", "kubeconfig", "none"),
        "where nodes come from; auto: in-cluster if there is a service account, else `kubeconfig`, else `nodes`",
    )
    kubeconfig: str = setting("", parse.existing_file, "kubeconfig file for `cluster: kubeconfig`")
    nodes: tuple[tuple[str, str], ...] = setting(
        (), parse.nodes, "static nodes without a cluster: name=address,... (the address may be left to the reports)"
    )
    prober_nodes: str = setting(
        "kubernetes.io/os!=windows",
        parse.text,
        "label selector of the nodes that run probers; of the others no report is missed (!= also holds without the "
        "label)",
    )
    profile: str = setting("forecast", parse.text, "scoring profile of pods that name none")
    forecaster: str = setting(
        "auto", parse.text, "auto: the promoted networks, else the package's, else the median; median; decayed-mean"
    )
    models_dir: str = setting("", parse.text, "directory of `neilats models`; only the package's models when empty")
    models_poll_s: float = setting(5.0, parse.number(0.05, 3600), "seconds between two looks for promoted models")
    forecast_threads: int = setting(2, parse.integer(1, 64), "threads that compute forecasts and analyses side by side")
    forecast_cpu_share: float = setting(
        0.25, parse.number(0.01, 1), "share of a core that computing forecasts ahead may take"
    )
    estimate_neighbours: int = setting(
        6,
        parse.integer(0, 1000),
        "measured neighbours that a node needs for its other paths to be estimated; 0: no estimates",
    )
    shadow: bool = setting(False, parse.boolean, "compute, record and explain everything, but answer neutrally")
    mesh_nodes: int = setting(
        64,
        parse.integer(0, 100_000),
        "up to so many nodes every prober measures all others; above that it has a budget",
    )
    probe_budget: int = setting(64, parse.integer(8, 20_000), "most targets of a prober above `mesh_nodes`")
    probe_neighbours: int = setting(
        16,
        parse.integer(2, 512),
        "of them neighbours that connect all nodes; a pair is measured by one end, so half of them are in a list",
    )
    hot_for_s: float = setting(
        1200.0,
        parse.number(30, 86400),
        "how long all nodes measure a peer after a pod last asked for it, above `mesh_nodes`",
    )
    window_slots: int = setting(64, parse.integer(8, 4096), "samples kept of each path")
    stale_after_s: float = setting(0.0, parse.number(0, 86400), "age at which a path counts as unknown; 0: 4 intervals")
    deadline_ms: float = setting(200.0, parse.number(1, 60_000), "a webhook answers neutrally after this time")
    measuring_grace_s: float = setting(
        20.0,
        parse.number(0, 600),
        "how long a `require` pod waits for the first samples of a path; plus two pauses of the probers, which are "
        "longer in large clusters",
    )
    ready_after_s: float = setting(60.0, parse.number(0, 3600), "ready at the latest after this, reports or not")
    decisions_kept: int = setting(
        1000, parse.integer(1, 1_000_000), "decisions kept for explain; fewer of many candidates, 200,000 rows in all"
    )
    record_dir: str = setting("", parse.text, "folder in which what is ingested is recorded, for replay; none if empty")
    record_max_mib: float = setting(
        1024.0, parse.number(1, 10_000_000), "most that recordings may take there; the oldest are removed"
    )
    report_max_mib: float = setting(4.0, parse.number(0.001, 1024), "largest report accepted")
    webhook_max_mib: float = setting(40.0, parse.number(0.001, 1024), "largest kube-scheduler call accepted")
    events: bool = setting(True, parse.boolean, "write events on pods: why this node, and whether the promise holds")
    events_lease: str = setting(
        "",
        parse.text,
        "NAMESPACE/NAME of the Lease whose holder speaks of placed pods; without one every replica does",
    )
    promise_check_s: float = setting(
        10.0, parse.number(0.05, 3600), "seconds between two looks at the promises of placed pods"
    )
    cors_origin: str = setting("", parse.text, "Access-Control-Allow-Origin of the old plugin's calls; none if empty")
    trusted_reporters: tuple[str, ...] = setting(
        ("127.0.0.0/8", "::1/128"), parse.networks, "networks whose reports may write any node's row"
    )
    ip_family: str = setting("auto", parse.choice("auto", "ipv4", "ipv6"), "family that probers use; auto prefers IPv4")

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
        if 2 * self.probe_neighbours > self.probe_budget:
            found.append(
                f"probe_neighbours={self.probe_neighbours} leaves too little of probe_budget={self.probe_budget} to "
                "the peers that pods ask for: let it be at most half"
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
