"""The report format between prober and extender, shared by both sides.

A prober sends only what one extender replica has not acknowledged yet. Times travel as ages by the prober's monotonic
clock, so that no two clocks need to agree. `POST /v1/report` carries a `Report` and answers a `Reply`, both in JSON; a
report may also come in the form of `prober.compact`.
"""

from collections.abc import Container
from functools import lru_cache
from ipaddress import ip_address
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

__all__ = [
    "LOST",
    "MAX_AGE_MS",
    "MAX_RTT_MS",
    "MAX_RUN",
    "MAX_RUNS",
    "MAX_TARGETS",
    "Addresses",
    "Name",
    "Reply",
    "Report",
    "Run",
    "SelfReport",
    "Target",
    "WireError",
    "check_origin",
    "decode_reply",
    "decode_report",
    "encode",
]

LOST: Final = -1.0
"""A sample that got no reply in time."""

MAX_RUN: Final = 4096
"""Samples of one target in one report: the largest ring that a prober can be set to."""

MAX_RUNS: Final = 256
"""Runs of one target in one report: bursts are rare."""

MAX_TARGETS: Final = 20_000
"""Targets in one report: four times the largest cluster that Kubernetes supports."""

MAX_RTT_MS: Final = 600_000.0
"""An RTT of ten minutes is no RTT."""

MAX_AGE_MS: Final = 24 * 3600 * 1000.0
"""An age above one day cannot come from a ring of minutes."""

Name = Annotated[str, Meta(min_length=1, max_length=253)]
Text = Annotated[str, Meta(max_length=64)]


class WireError(ValueError):
    """A report or reply that breaks the format; the text says what and where."""


class Run(Struct, forbid_unknown_fields=True):
    """Samples of one path on a regular grid, oldest first; the newest is `age_ms` old, its neighbours `step_ms` apart.

    `rtt_ms` holds milliseconds, -1 for a lost ping and null where nothing was measured.
    """

    age_ms: Annotated[float, Meta(ge=0, le=MAX_AGE_MS)]
    step_ms: Annotated[float, Meta(ge=1, le=MAX_AGE_MS)]
    rtt_ms: Annotated[list[float | None], Meta(max_length=MAX_RUN)]


class Addresses(Struct, omit_defaults=True):
    """Where this node's prober answers probes; the extender hands these to the others as targets."""

    ipv4: Text | None = None
    ipv6: Text | None = None
    udp_port: Annotated[int, Meta(ge=0, le=65535)] = 0


class SelfReport(Struct, omit_defaults=True):
    """How much the prober itself disturbs what it measures."""

    mode: Text = ""
    loopback_ms: float | None = None
    lag_ms: float | None = None
    noisy: int = 0
    version: Text = ""


class Report(Struct, omit_defaults=True):
    """What one prober has measured since this replica's last acknowledgement.

    `boot` changes with every start of the prober; `seq` counts its reports to this replica from 1, and a repeated
    delivery keeps its number. `full` marks the answer to a resync: the whole ring. `targets_version` names the list of
    targets that the prober got from this replica and still holds.
    """

    node: Name
    boot: Text | int
    seq: Annotated[int, Meta(ge=1, le=2**53)]
    interval_ms: Annotated[float, Meta(ge=10, le=3_600_000)]
    samples: Annotated[dict[Name, Run | list[Run]], Meta(max_length=MAX_TARGETS)] = msgspec.field(default_factory=dict)
    addresses: Addresses = msgspec.field(default_factory=Addresses)
    self_: SelfReport = msgspec.field(name="self", default_factory=SelfReport)
    full: bool = False
    targets_version: Text = ""

    def runs(self) -> list[tuple[str, Run]]:
        """Every run with its target; one target may have several, because bursts have another step."""
        return [
            (target, run)
            for target, runs in self.samples.items()
            for run in (runs if isinstance(runs, list) else [runs])
        ]


class Target(Struct, omit_defaults=True):
    """A node to probe; `burst` asks for quick first samples."""

    node: Name
    address: Text
    burst: bool = False
    udp_port: Annotated[int, Meta(ge=0, le=65535)] = 0


class Reply(Struct, omit_defaults=True):
    """The extender's answer: `resync` asks for the whole ring in the next report.

    Without `targets` the list that the report named stays as it is. `report_after_ms` asks for a pause before the next
    report: the extender has much to do.
    """

    resync: bool
    interval_ms: Annotated[float, Meta(ge=10, le=3_600_000)]
    targets: Annotated[list[Target], Meta(max_length=MAX_TARGETS)] | None
    targets_version: Text = ""
    report_after_ms: Annotated[float, Meta(ge=0, le=3_600_000)] | None = None


_report = msgspec.json.Decoder(Report)
_reply = msgspec.json.Decoder(Reply)
_encoder = msgspec.json.Encoder()


def decode_report(body: bytes) -> Report:
    """Parse and check a report; raises WireError with the place of the fault."""
    try:
        report = _report.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise WireError(f"not a valid report: {e}") from e
    for target, run in report.runs():
        _check_run(target, run)
    for target, runs in report.samples.items():
        if isinstance(runs, list) and (len(runs) > MAX_RUNS or sum(len(r.rtt_ms) for r in runs) > MAX_RUN):
            raise WireError(f"more than {MAX_RUNS} runs or {MAX_RUN} samples - at `$.samples.{target}`")
    check_origin(report, report.samples)
    return report


def check_origin(report: Report, targets: Container[str]) -> None:
    """Raise WireError unless the addresses are some and the node is not its own target."""
    _check_addresses(report.addresses)
    if report.node in targets:
        raise WireError(f"a node does not probe itself - at `$.samples.{report.node}`")


def _check_addresses(addresses: Addresses) -> None:
    for field, version in (("ipv4", 4), ("ipv6", 6)):
        value = getattr(addresses, field)
        if value is not None and _version(value) != version:
            raise WireError(f"{value!r} is no IPv{version} address - at `$.addresses.{field}`")


@lru_cache(maxsize=16_384)  # each prober says the same in all its reports
def _version(address: str) -> int | None:
    try:
        return ip_address(address.partition("%")[0]).version
    except ValueError:
        return None


def _check_run(target: str, run: Run) -> None:
    for i, rtt_ms in enumerate(run.rtt_ms):
        if rtt_ms is None or rtt_ms == LOST or 0 <= rtt_ms <= MAX_RTT_MS:
            continue
        raise WireError(
            f"an RTT is from 0 to {MAX_RTT_MS:.0f} ms, -1 (lost) or null, not {rtt_ms} - at `$.samples.{target}[{i}]`"
        )
    if run.age_ms + run.step_ms * (len(run.rtt_ms) - 1) > MAX_AGE_MS:
        raise WireError(f"the oldest sample is more than a day old - at `$.samples.{target}`")


def decode_reply(body: bytes) -> Reply:
    """Parse and check an extender's reply; raises WireError."""
    try:
        return _reply.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise WireError(f"not a valid reply: {e}") from e


def encode(message: Report | Reply) -> bytes:
    """The JSON bytes of a report or a reply."""
    return _encoder.encode(message)
