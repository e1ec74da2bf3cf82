"""Settings of `neilats prober`."""

from dataclasses import dataclass

from neilats import parse
from neilats.settings.base import Settings, setting

__all__ = ["ProberSettings"]


@dataclass(frozen=True, kw_only=True)
class ProberSettings(Settings):
    """Settings of `neilats prober`."""

    node_name: str = setting("", parse.text, "this node's name in the cluster; the host's name when empty")
    extender_urls: tuple[str, ...] = setting(
        ("http://neilats-extender:8080",),
        parse.urls,
        "extenders to report to; every address behind a name is a replica with its own acknowledgements",
    )
    metrics_listen: str = setting("0.0.0.0:9427", parse.endpoint, "where /metrics, /healthz and /readyz listen")
    probe_mode: str = setting(
        "auto",
        parse.choice("auto", "dgram", "raw", "udp"),
        "auto: ICMP over a datagram socket, else a raw one; udp: the echo of the other probers",
    )
    advertise: tuple[str, ...] = setting(
        (), parse.addresses, "addresses at which other nodes probe this one; found from the routes when empty"
    )
    bind: tuple[str, ...] = setting((), parse.addresses, "source addresses of the probes; the system's choice if empty")
    udp_port: int = setting(9428, parse.integer(0, 65535), "port of the UDP echo, served in mode udp; 0 picks one")
    report_interval_s: float = setting(5.0, parse.number(0.05, 600), "most seconds between two reports")
    burst_count: int = setting(10, parse.integer(0, 1000), "quick first samples of a new target")
    burst_interval_s: float = setting(1.0, parse.number(0.05, 60), "seconds between the samples of a burst")
    timeout_s: float = setting(2.0, parse.number(0.01, 60), "a reply later than this counts as lost")
    ring_samples: int = setting(128, parse.integer(64, 4096), "samples kept of each target")
    control_interval_s: float = setting(1.0, parse.number(0.05, 60), "seconds between loopback control probes")
    control_limit_ms: float = setting(
        1.0, parse.number(0.01, 1000), "a loopback round trip above this marks the prober itself as the noise"
    )
    lag_limit_ms: float = setting(
        100.0, parse.number(1, 10000), "an event loop lag above this marks the prober itself as the noise"
    )
    max_targets: int = setting(10_000, parse.integer(1, 100_000), "most targets that the prober accepts")
    token_file: str = setting(
        "",
        parse.existing_file,
        "file with the bearer token of this prober's reports, read again as it changes; none if empty",
    )
    ca_file: str = setting(
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
