"""Thousands of simulated probers in one process, each with a kept-alive connection and a pace of its own.

What the extender says is followed as a prober does: `report_after_ms`, 429 and 503 with a back-off, a 409 for what was
applied already, and a new connection after one that broke. Nothing is dropped: what is not acknowledged is sent again.
"""

import asyncio
import random
import re
import ssl
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from bench.client import HEAD_END, request
from bench.load.format import Hints, encoded, hints
from bench.load.paths import Paths
from bench.load.prober import LoadProber

__all__ = ["Fleet", "Load", "Seen", "targets_of"]

ANSWER_S: Final = 10.0
"""As long as a prober waits for an answer."""

BACKOFF_S, MOST_BACKOFF_S = 1.0, 30.0
JITTER: Final = (0.9, 1.0)
"""Part of a pause that is kept, as real probers do: thousands that began together are not to stay in step."""


class Load(msgspec.Struct, kw_only=True):
    """What the fleet is to do."""

    address: str
    """host:port of the extender's API."""
    nodes: int
    targets: int = 64
    hot: Sequence[str] = ()
    """Nodes that every prober measures, because pods ask for them; the rest of its targets are its neighbours."""
    interval_s: float = 10.0
    report_s: float = 5.0
    """Seconds between two reports unless the extender asks for more: the real prober's default."""
    history: int = 0
    """Samples of each target in the first report."""
    once: bool = False
    """Whether every prober reports once and no more."""
    tls: bool = False
    """Whether to speak TLS; the certificate is not checked."""


class Seen(msgspec.Struct):
    """What came of it."""

    reports: int = 0
    acknowledged: int = 0
    """Samples."""
    overdue: int = 0
    """Samples that waited for more than two periods at the end."""
    answered: int = 0
    """Probers that were answered at least once."""
    resyncs: int = 0
    statuses: dict[str, int] = {}
    body_bytes: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    """Of the answers, as this process saw them."""


class Fleet:
    """All probers of one load. `ready` is set when each was answered; `stop` ends them and gives what was seen."""

    def __init__(self, load: Load, names: Sequence[str]) -> None:
        self._load, self._names = load, names
        self._period_s = min(load.report_s, load.interval_s)
        self._tls = _unchecked() if load.tls else None
        self._host, _, port = load.address.rpartition(":")
        self._port = int(port)
        self._probers: list[LoadProber] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._statuses: Counter[str] = Counter()
        self._times_ms: list[float] = []
        self._answered = self._bytes = self._reports = 0
        self._stopping = False
        self.ready = asyncio.Event()

    def start(self) -> None:
        """Start every prober at a moment of its own within the first period."""
        began = time.monotonic()
        for i in range(len(self._names)):
            targets = targets_of(i, self._names, self._load)
            prober = LoadProber(
                self._names[i], targets, Paths(len(targets), i), self._load.interval_s, self._load.history, began
            )
            self._probers.append(prober)
            wait_s = self._period_s * i / len(self._names)
            self._tasks.append(asyncio.create_task(self._live(prober, began + wait_s)))

    async def stop(self) -> Seen:
        """Let reports in flight end, and count."""
        self._stopping = True
        now = time.monotonic()
        await asyncio.wait(self._tasks, timeout=ANSWER_S)
        for task in self._tasks:
            task.cancel()
        failed = [r for r in await asyncio.gather(*self._tasks, return_exceptions=True) if isinstance(r, Exception)]
        if failed:
            raise failed[0]
        return self._seen(now)

    def _seen(self, now: float) -> Seen:
        times = np.array(self._times_ms or [0.0])
        return Seen(
            reports=self._reports,
            acknowledged=sum(p.acknowledged for p in self._probers),
            overdue=sum(p.overdue(now - 2 * self._period_s) for p in self._probers),
            answered=self._answered,
            resyncs=sum(p.resyncs for p in self._probers),
            statuses=dict(self._statuses),
            body_bytes=self._bytes,
            p50_ms=round(float(np.percentile(times, 50)), 3),
            p99_ms=round(float(np.percentile(times, 99)), 3),
        )

    async def _live(self, prober: LoadProber, due: float) -> None:
        """One prober: report when it is due, as often as the extender wants it."""
        line, failures, first = _Line(self._host, self._port, self._tls), 0, True
        while not self._stopping:
            await self._sleep_until(due)
            if self._stopping:
                break
            status, asked = await self._deliver(line, prober)
            self._statuses[status] += 1
            if status not in ("200", "409"):
                failures += 1
                due = time.monotonic() + random.uniform(0, min(MOST_BACKOFF_S, BACKOFF_S * 2 ** min(failures - 1, 8)))
                continue
            failures = 0
            if first:
                first, self._answered = False, self._answered + 1
                if self._answered == len(self._probers):
                    self.ready.set()
            if self._load.once:
                break
            pause_s = max(self._period_s, (asked.report_after_ms or 0) / 1000)
            due = max(due + pause_s * random.uniform(*JITTER), time.monotonic())
        line.close()

    async def _sleep_until(self, due: float) -> None:
        """Sleep, and wake now and then where it is long, so that a stop need not wait.

        An event with a timeout would be two more tasks for each of these sleeps.
        """
        while not self._stopping and (left := due - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left, 1.0))

    async def _deliver(self, line: "_Line", prober: LoadProber) -> tuple[str, Hints]:
        """The status that a report got, or the name of what went wrong, and what the reply asks for."""
        body = encoded(prober.report(time.monotonic()))
        self._reports += 1
        self._bytes += len(body.content)
        began = time.perf_counter()
        try:
            async with asyncio.timeout(ANSWER_S):
                status, answer = await line.call(request("/v1/report", body.content, body.headers))
        except (OSError, TimeoutError, EOFError, asyncio.IncompleteReadError) as e:
            line.close()
            return type(e).__name__, Hints()
        self._times_ms.append((time.perf_counter() - began) * 1000)
        asked = hints(answer) if status == 200 else Hints()
        if status in (200, 409):
            prober.accepted(resync=asked.resync, targets_version=asked.targets_version)
        return str(status), asked


class _Line:
    """A kept-alive connection that is opened when it is needed."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self._host, self._port, self._tls = host, port, tls
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, message: bytes) -> tuple[int, bytes]:
        """Status and body; the extender sends Content-Length, as kube-scheduler needs it."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        reader, writer = self._streams
        writer.write(message)
        head = (await reader.readuntil(HEAD_END)).lower()
        length = re.search(rb"\r\ncontent-length:\s*(\d+)", head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        if b"\r\nconnection: close" in head:
            self.close()
        return int(head[9:12]), body

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def targets_of(number: int, names: Sequence[str], load: Load) -> list[str]:
    """The hot nodes and the next neighbours of a ring, together so many as a prober has."""
    own = names[number]
    found = dict.fromkeys(n for n in load.hot if n != own)
    for k in range(1, len(names)):
        if len(found) >= load.targets:
            break
        found[names[(number + k) % len(names)]] = None
    return list(found)[: load.targets]


def _unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
