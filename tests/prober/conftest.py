"""Fakes for the prober's tests: a clock moved by hand, a pinger that answers as it is told, a small extender."""

import asyncio
import os
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from itertools import islice
from types import SimpleNamespace

import msgspec
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from prober.compact import MEDIA_TYPE
from prober.loop import ProbeLoop
from prober.metrics import Coverage, Metrics
from prober.noise import Judge
from prober.ping import Destination, Echo, Sent
from prober.schedule import Schedule
from prober.store import Store
from prober.wire import Reply, Report, Run, decode_report, encode
from tests.missing import missing

WALL_NS = 1_700_000_000_000_000_000


class Clock:
    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class FakePinger:
    """`paths` maps an address to its RTT in seconds, to None (lost) or to an exception; unknown ones answer at once."""

    mode, udp_port, listening = "fake", 0, ("fake",)

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.paths: dict[str, float | Exception | None] = {}
        self.sent: list[tuple[int, str, float]] = []
        self.waiting: list[tuple[float, Echo]] = []
        self.took_ns = 1000
        self.wall_ns = WALL_NS

    def destination(self, address: str, port: int = 0) -> Destination:
        if ":" in address:
            raise ValueError("no IPv6 here")
        return Destination(address, 4, (address, port))

    def control(self) -> Destination:
        return Destination("127.0.0.1", 4, ("127.0.0.1", 0))

    def start(self, on_echo: Callable[[Echo], None]) -> None:
        self.on_echo = on_echo

    def send(self, number: int, to: Destination) -> Sent:
        path = self.paths.get(to.address, 20e-6)
        if isinstance(path, Exception):
            raise path
        now = self.clock.now
        self.sent.append((number, to.address, now))
        wall = self.wall_ns + int(now * 1e9)
        if path is not None:
            self.waiting.append((now + path, Echo(number, to.address, wall + int(path * 1e9), 0, 0)))
        return Sent(int(now * 1e9), wall, self.took_ns)

    def drain(self) -> None:
        now = self.clock.now
        ready = [echo for at, echo in self.waiting if at <= now]
        self.waiting = [(at, echo) for at, echo in self.waiting if at > now]
        for echo in ready:
            self.on_echo(echo._replace(read_monotonic_ns=int(now * 1e9), read_wall_ns=self.wall_ns + int(now * 1e9)))

    def close(self) -> None:
        pass

    def probes(self, address: str | None = None) -> list[float]:
        """When the targets, or this one, were probed."""
        return [at for _, a, at in self.sent if a != "127.0.0.1" and address in (None, a)]


class Rig(SimpleNamespace):
    """A probe loop on fakes. `run(seconds)` steps it as the event loop would."""

    def __init__(self, **changes: float) -> None:
        options = {"interval_s": 10.0, "burst_count": 0, "burst_interval_s": 1.0, "timeout_s": 2.0} | changes
        self.clock = Clock()
        self.pinger = FakePinger(self.clock)
        self.schedule = Schedule(
            "me",
            interval_s=options["interval_s"],
            burst_count=int(options["burst_count"]),
            burst_interval_s=options["burst_interval_s"],
        )
        self.store = Store(64)
        self.judge = Judge(control_limit_ms=1, lag_limit_ms=100, control_interval_s=1)
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry)
        self.coverage = Coverage(640)
        self.loop = ProbeLoop(
            self.pinger,
            self.schedule,
            self.store,
            self.judge,
            self.metrics,
            timeout_s=options["timeout_s"],
            control_interval_s=1,
            coverage=self.coverage,
            clock=self.clock,
        )
        self.pinger.start(self.loop.receive)
        self.due = self.clock.now

    def run(self, seconds: float) -> None:
        end = self.clock.now + seconds
        while self.due <= end:
            self.clock.now = max(self.clock.now, self.due)
            self.due = self.loop.step(self.due)
        self.clock.now = max(self.clock.now, end)

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"neilats_prober_{name}", labels) or 0.0

    def values(self, target: str) -> list[float]:
        return [v for _, v in self.store.ring(target).samples(0)]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_rig() -> Callable[..., Rig]:
    return Rig


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.fixture
def need_root() -> None:
    """Raw sockets and network namespaces; a CI without them must not pass by skipping."""
    if os.geteuid() != 0:
        missing("raw sockets and network namespaces need root")


def unpacked(body: bytes) -> Report:
    """The report of a compact body, by the plainest reading of the format."""
    said = msgspec.msgpack.decode(body)
    ages = [a / 10 for (a,) in struct.iter_unpack("<I", said.get("ages", b""))]
    steps = [s for (s,) in struct.iter_unpack("<f", said.get("steps", b""))]
    counts = [c for (c,) in struct.iter_unpack("<H", said.get("counts", b""))] or [1] * len(ages)
    rtts = [v for (v,) in struct.iter_unpack("<I", said.get("rtts", b""))]
    values = iter([-1.0 if v == 2**32 - 1 else None if v == 2**32 - 2 else v / 4000 for v in rtts])
    steps = steps * len(ages) if len(steps) == 1 else steps
    runs = iter([Run(a, s, list(islice(values, c))) for a, s, c in zip(ages, steps, counts, strict=True)])
    own = [n for (n,) in struct.iter_unpack("<H", said.get("runs", b""))] or [1] * len(ages)
    found = {t: list(islice(runs, n)) for t, n in zip(said.get("targets", []), own, strict=True)}
    report: Report = msgspec.convert(said["head"], Report)
    report.samples = {t: runs[0] if len(runs) == 1 else runs for t, runs in found.items()}
    return report


class Extender:
    """A real HTTP server in the extender's place: keeps the reports and answers as told.

    `answers` is used up first: each is a Reply, a status with a JSON body, or raw bytes. With a `token` every other one
    is refused. `location` goes along with each status, `takes` with each reply: what it does not name is a 415.
    """

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.requests: list[dict[str, str]] = []
        self.answers: list[Reply | tuple[int, dict[str, object]] | bytes] = []
        self.reply = Reply(False, 10_000.0, [])
        self.most_targets = 1_000_000
        self.token = self.location = ""
        self.takes: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self.changed = asyncio.Event()

    async def report(self, request: web.Request) -> web.Response:
        compact = request.content_type == MEDIA_TYPE
        encoding = request.headers.get("Content-Encoding", "")
        self.requests.append(
            {
                "host": request.host,
                "peer": request.remote or "",
                "path": request.path,
                "form": f"{'compact' if compact else 'json'} {encoding}".strip(),
                "bytes": request.headers.get("Content-Length", ""),
            }
        )
        if compact and MEDIA_TYPE not in self.takes.get("Accept", ""):
            return web.json_response({"error": "send application/json"}, status=415)
        body = await request.read()
        report = unpacked(body) if compact else decode_report(body)
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"error": "no valid token"}, status=401)
        if len(report.samples) > self.most_targets:
            return web.json_response({"error": "too large"}, status=413)
        self.reports.append(report)
        self.changed.set()
        answer = self.answers.pop(0) if self.answers else self.reply
        if isinstance(answer, Reply):
            return web.Response(body=encode(answer), content_type="application/json", headers=self.takes)
        if isinstance(answer, bytes):
            return web.Response(body=answer)
        headers = {"Location": self.location} if self.location else self.headers
        return web.json_response(answer[1], status=answer[0], headers=headers)

    async def serve(self, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> str:
        """Listen; gives the base URL. `close` ends it."""
        app = web.Application(client_max_size=2**24)
        app.router.add_post("/v1/report", self.report)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, host, port, ssl_context=tls).start()
        self.port = int(self.runner.addresses[0][1])
        return f"http://{host}:{self.port}"

    async def close(self) -> None:
        await self.runner.cleanup()

    async def until(self, reports: int, seconds: float = 8.0) -> None:
        """Wait for so many reports."""
        async with asyncio.timeout(seconds):
            while len(self.reports) < reports:
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
async def make_extender() -> AsyncIterator[Callable[[], Extender]]:
    made: list[Extender] = []

    def make() -> Extender:
        made.append(Extender())
        return made[-1]

    yield make
    for extender in made:
        await extender.close()
