"""Reports into windows: what is valid is applied whole, once, and answered with what to probe next."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

import numpy as np
from numpy.typing import NDArray

from extender.cluster.base import Cluster
from extender.columns import Columns, of_report
from extender.errors import BadRequest, NotReady, Replayed, Unknown
from extender.networks import read_address
from extender.noise import NoiseTable
from extender.owners import Owners, Sender
from extender.replies import Replies
from extender.windows import WindowStore
from prober.wire import Addresses, Reply, Report, SelfReport

__all__ = ["Applied", "Ingest", "Observer", "Samples", "Source"]

BOOTS_KEPT: Final = 8
"""Earlier starts of a prober that are remembered, so that their reports cannot be played again."""

ADDRESSES_KEPT: Final = 16_384
"""Addresses that were looked at: every prober says its own with every report."""

Samples = tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]
"""[n] samples, ordered by target and for each target by time: the target's index, the time (s, of the clock), and the
RTT (ms; inf lost, NaN not measured)."""

Observer = Callable[[str, Sequence[str], NDArray[np.intp], Samples], None]
"""Hears what was written: the source, its targets, the rows of these paths, and the samples."""


def _nobody(source: str, targets: Sequence[str], rows: NDArray[np.intp], samples: Samples) -> None:
    pass


@dataclass
class Source:
    """What is known of one node's prober."""

    boot: str
    seq: int = 0
    at: float = 0.0
    addresses: Addresses = field(default_factory=Addresses)
    condition: SelfReport = field(default_factory=SelfReport)
    retired: deque[str] = field(default_factory=lambda: deque(maxlen=BOOTS_KEPT))


@dataclass(frozen=True)
class Applied:
    """What one report brought, for the metrics."""

    samples: int
    lost: int
    unmeasured: int
    unknown_target: int
    reply: Reply
    restarted: bool = False
    """Whether the node's prober was another process before."""


class Ingest:
    """Applies reports. `clock` gives monotonic seconds; `now` values elsewhere are of the same clock."""

    def __init__(
        self,
        store: WindowStore,
        noise: NoiseTable,
        cluster: Cluster,
        owners: Owners,
        replies: Replies,
        clock: Callable[[], float],
        observe: Observer = _nobody,
    ) -> None:
        self._store, self._noise, self._cluster = store, noise, cluster
        self._owners, self._replies, self._clock = owners, replies, clock
        self._observe = observe
        self.sources: dict[str, Source] = {}

    def apply(self, report: Report, sender: Sender, columns: Columns | None = None) -> Applied:
        """Apply a valid report of this sender, or raise a RequestError and apply nothing.

        `columns` are the report's samples where they came apart from it.
        """
        now = self._clock()
        self._check_node(report.node)
        self._owners.check(report.node, sender, now)
        _check_reachable(report.addresses, sender.address)
        columns = of_report(report) if columns is None else columns
        before = self.sources.get(report.node)
        boot = before.boot if before else report.boot
        source, resync = self._admit(report)
        if report.full:
            self._store.restart(report.node)
        counts = self._write(report.node, columns, now)
        source.seq, source.at = report.seq, now
        source.addresses, source.condition = report.addresses, report.self_
        self._noise.reported(report.node, now)
        reply = self._replies.to(report, self.sources, now, resync=resync)
        return Applied(*counts, reply, restarted=str(boot) != source.boot)

    def _check_node(self, name: str) -> None:
        if not self._cluster.synced:
            raise NotReady("the nodes of the cluster are still being read; report again in a moment")
        if name not in self._cluster.nodes:
            raise Unknown(f"node {name!r} is not known to this extender; is it in the cluster, or in `nodes`?")

    def _admit(self, report: Report) -> tuple[Source, bool]:
        """The source's record, and whether its whole ring is wanted; raises Replayed for what was applied before."""
        boot = str(report.boot)
        source = self.sources.get(report.node)
        if source is None:
            source = self.sources[report.node] = Source(boot)
            return source, report.seq > 1 and not report.full
        if boot in source.retired:
            raise Replayed(f"boot {boot} of node {report.node} ended before boot {source.boot} began", source.seq)
        if boot != source.boot:
            source.retired.append(source.boot)
            source.boot, source.seq = boot, 0
        if report.seq <= source.seq:
            raise Replayed(
                f"report {report.seq} of node {report.node}, boot {boot}, came before; the last was {source.seq}",
                source.seq,
            )
        return source, report.seq > source.seq + 1 and not report.full

    def _write(self, node: str, columns: Columns, now: float) -> tuple[int, int, int, int]:
        """Hand all samples to the store.

        Returns how many were written, lost and unmeasured, and how many are of targets that are no nodes.
        """
        # What is older than the ring would pass through it unseen.
        place, at_s, rtt_ms = columns.samples(now, now - (self._store.slots + 1) * self._store.interval_s)
        targets, unknown, nodes = columns.targets, 0, self._cluster.nodes
        if not all(map(nodes.__contains__, targets)):
            known = np.fromiter((t in nodes for t in targets), np.bool_, len(targets))
            targets = [t for t in targets if t in nodes]
            unknown = int(columns.counts[~known[columns.places]].sum())
            kept = known[place]
            place, at_s, rtt_ms = (np.cumsum(known) - 1)[place[kept]], at_s[kept], rtt_ms[kept]
        rows = self._store.ensure(node, targets)
        self._store.write(rows[place], at_s, rtt_ms)
        self._observe(node, targets, rows, (place, at_s, rtt_ms))
        lost, unmeasured = int(np.count_nonzero(rtt_ms == np.inf)), int(np.count_nonzero(np.isnan(rtt_ms)))
        return len(rtt_ms), lost, unmeasured, unknown

    def forget(self, node: str) -> None:
        """Drop a node that is gone, with all its paths."""
        self.sources.pop(node, None)
        self._store.forget(node)
        self._owners.forget(node)
        self._noise.forget(node)


def _check_reachable(addresses: Addresses, remote: str) -> None:
    """An address that means another host to every reader would make its node look near to all of them."""
    for address in (a for a in (addresses.ipv4, addresses.ipv6) if a):
        nowhere, loopback = _kind(address)
        if nowhere or (loopback and not _is_loopback(remote)):
            raise BadRequest(f"other nodes cannot reach this one at {address}; set `advertise` - at `$.addresses`")


@lru_cache(ADDRESSES_KEPT)
def _kind(address: str) -> tuple[bool, bool]:
    """Whether nobody can be reached there, and whether it is this very host."""
    found = ip_address(address.partition("%")[0])
    return found.is_unspecified or found.is_multicast, found.is_loopback


def _is_loopback(remote: str) -> bool:
    address = read_address(remote)
    return address is not None and address.is_loopback
