"""Peers whose windows to all candidates are full and stay fresh: their probers' reports, through the real protocol.

A report holds the peer's paths to at most 1,000 nodes at first, and then one new sample of 64 paths at a time, as many
as a prober's budget allows, so that every path gets its sample every interval while calls are timed, as it does in
operation.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np

from bench.client import Connection, request
from bench.load.format import encoded
from bench.load.paths import Paths
from bench.timing import BenchError
from prober.wire import Report, Run

__all__ = ["Peer", "Peers"]

SLOTS = 64
FULL_CHUNK, FRESH_CHUNK = 1000, 64


class Peer:
    """One node's prober, measuring all the others. `full` and `fresh` give requests that are to be sent."""

    def __init__(self, name: str, names: Sequence[str], seed: int, interval_s: float) -> None:
        self.name, self._interval_ms = name, interval_s * 1000
        self._targets = [n for n in names if n != name]
        self._paths, self._seq = Paths(len(self._targets), seed), 0

    def full(self) -> list[bytes]:
        """Reports of whole rings."""
        samples = self._paths.samples(SLOTS)
        return [self._report(begin, samples[begin : begin + FULL_CHUNK]) for begin in self._begins(FULL_CHUNK)]

    def fresh(self) -> list[Callable[[], bytes]]:
        """Makers of the reports of one new sample for every path; each is called when it is to be sent."""
        return [lambda begin=begin: self._fresh(begin) for begin in self._begins(FRESH_CHUNK)]  # type: ignore[misc]

    def _begins(self, chunk: int) -> range:
        return range(0, len(self._targets), chunk)

    def _fresh(self, begin: int) -> bytes:
        which = np.arange(begin, min(begin + FRESH_CHUNK, len(self._targets)))
        return self._report(begin, self._paths.next(which))

    def _report(self, begin: int, samples: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> bytes:
        self._seq += 1
        targets = self._targets[begin : begin + len(samples)]
        runs: dict[str, Run | list[Run]] = {
            t: Run(0.0, self._interval_ms, rtt_ms) for t, rtt_ms in zip(targets, samples.tolist(), strict=True)
        }
        body = encoded(Report(self.name, "bench", self._seq, self._interval_ms, runs))
        return request("/v1/report", body.content, body.headers)


class Peers:
    """Several peers of one extender. `keep_fresh` is called between timed calls, and sends what is due."""

    def __init__(self, api: str, peers: Sequence[str], names: Sequence[str], interval_s: float = 10.0) -> None:
        self._connection = Connection(api)
        self.peers = [Peer(peer, names, seed, interval_s) for seed, peer in enumerate(peers)]
        self._rounds = [make for peer in self.peers for make in peer.fresh()]
        self._gap_s, self._next, self._due = interval_s / len(self._rounds), 0, 0.0

    def fill(self) -> None:
        """Whole rings of every peer."""
        for peer in self.peers:
            for message in peer.full():
                self._send(message)
        self._due = time.monotonic() + self._gap_s

    def keep_fresh(self) -> None:
        """Send what is due by now."""
        while time.monotonic() >= self._due:
            self._send(self._rounds[self._next % len(self._rounds)]())
            self._next += 1
            self._due += self._gap_s

    def _send(self, message: bytes) -> None:
        for _ in range(100):
            answer = self._connection.call(message)
            if answer.status == 200:
                return
            if answer.status not in (429, 503):
                break
            time.sleep(0.1)
        raise BenchError(f"a report was answered with {answer.status}: {answer.body[:300]!r}")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
