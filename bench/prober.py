"""One prober of 1,000 targets on the loopback: CPU, memory, and its round trips beside those of `ping`.

It reports to a station that hands out the targets, each an address of 127.0.0.0/8, and keeps what it reports. Its round
trips and ping's are measured at the same time; both use the kernel's ICMP echo. On the loopback the kernel answers in
the sender's own time, so the prober's CPU includes that of the answers.
"""

import asyncio
import re
import shutil
import statistics
import sys
import time
from collections.abc import Iterator, Sequence

from aiohttp import web

from bench.ingest import share
from bench.options import Options
from bench.processes import module, running
from bench.timing import BenchError, Row, Skipped
from prober.wire import Reply, Report, Target, decode_report, encode
from tests.controlplane.plane import free_port

__all__ = ["Station", "error_ms", "rows"]

TARGETS, INTERVAL_S = 1000, 10.0
TARGET_SHARE, TARGET_MB = 0.01, 60.0
LEAST_ERROR_MS, ERROR_SHARE = 0.020, 0.10
BURSTS_S = 25.0
"""The targets' first quick samples take ten seconds; then it settles."""

ROUNDS = 5
IMPORTS = """
import time, aiohttp.web, icmplib, msgspec, prometheus_client, yaml
print("here", flush=True)
time.sleep(60)
"""


class Station:
    """Answers reports with fixed targets and keeps the round trips (ms) of each, with the time they came."""

    def __init__(self) -> None:
        self._reply = encode(Reply(False, INTERVAL_S * 1000, [Target(*pair) for pair in loopback(TARGETS)]))
        self.samples: list[tuple[float, float]] = []

    async def report(self, request: web.Request) -> web.Response:
        """Take one."""
        self.take(decode_report(await request.read()), time.monotonic())
        return web.Response(body=self._reply, content_type="application/json")

    def take(self, report: Report, now: float) -> None:
        """Keep what was answered."""
        self.samples += [(now, rtt) for _, run in report.runs() for rtt in run.rtt_ms if rtt is not None and rtt >= 0]


def loopback(count: int) -> list[tuple[str, str]]:
    """Nodes and addresses."""
    return [(f"node-{i:05d}", f"127.1.{i >> 8}.{i & 255 or 1}") for i in range(1, count + 1)]


def rows(options: Options) -> Iterator[Row]:
    """CPU, memory, error."""
    if shutil.which("ping") is None:
        raise Skipped("no ping: install iputils-ping")
    yield from asyncio.run(_rows(20.0 if options.quick else 60.0))


async def _rows(seconds: float) -> list[Row]:
    station, port = Station(), free_port()
    app = web.Application(client_max_size=1 << 24)
    app.add_routes([web.post("/v1/report", station.report)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        with running(_command(port), "prober") as child:
            child.wait_for(r"prober started")
            await asyncio.sleep(BURSTS_S)
            before, began = child.cpu_s(), time.monotonic()
            pings = await _pings(seconds)
            used, resident_mb = share(child, before, began), child.resident_mb()
            ours = [rtt for at, rtt in station.samples if at >= began]
    finally:
        await runner.cleanup()
    expected = TARGETS * seconds / INTERVAL_S
    if len(ours) < 0.8 * expected:
        raise BenchError(f"the prober reported {len(ours)} of about {expected:.0f} samples")
    return _judged(used, await _ping_share(min(seconds, 20.0)), resident_mb, ours, pings)


def _judged(used: float, ping: float, resident_mb: float, ours: Sequence[float], pings: Sequence[float]) -> list[Row]:
    what = f"prober, {TARGETS:,} targets every {INTERVAL_S:g} s"
    mine, theirs = statistics.median(ours), statistics.median(pings)
    error = error_ms(ours, pings)
    return [
        Row(
            f"{what}: CPU", 100 * used, "ping -i 0.01", 100 * ping, f"<= {TARGET_SHARE:.0%} of a core",
            used <= TARGET_SHARE, "%",
        ),
        Row(
            f"{what}: memory", resident_mb, "its third parties alone", _imports_mb(), f"<= {TARGET_MB:g} MB",
            resident_mb <= TARGET_MB, "MB",
        ),
        Row(
            f"{what}: median round trip", mine, "ping", theirs, "within max(20 µs, 10 %)",
            abs(error) <= max(LEAST_ERROR_MS, ERROR_SHARE * theirs), details={"error_ms": error, "pings": len(pings)},
        ),
    ]  # fmt: skip


def error_ms(ours: Sequence[float], pings: Sequence[float]) -> float:
    """The middle one of the differences between medians in five parts of the time, because both drift."""

    def medians(values: Sequence[float]) -> list[float]:
        return [
            statistics.median(values[len(values) * i // ROUNDS : len(values) * (i + 1) // ROUNDS])
            for i in range(ROUNDS)
        ]

    return statistics.median(a - b for a, b in zip(medians(ours), medians(pings), strict=True))


def _command(port: int) -> list[str]:
    assignments = {
        "node_name": "bench",
        "extender_urls": f"http://127.0.0.1:{port}",
        "metrics_listen": "127.0.0.1:0",
        "interval_s": f"{INTERVAL_S:g}",
    }
    return module("neilats", "prober", *[f"--set={name}={value}" for name, value in assignments.items()])


async def _pings(seconds: float) -> list[float]:
    """Round trips in ms by ping, twenty a second."""
    command = ("ping", "-n", "-i", "0.05", "-c", str(round(seconds / 0.05)), "127.0.0.1")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    found = [float(ms) for ms in re.findall(r"time=([\d.]+) ms", out.decode())]
    if len(found) < 0.9 * seconds / 0.05:
        raise BenchError(f"ping measured only {len(found)} round trips")
    return found


async def _ping_share(seconds: float) -> float:
    """Of one core, of a ping that sends as many probes a second."""
    with running(["ping", "-n", "-q", "-i", f"{INTERVAL_S / TARGETS:g}", "127.0.0.1"], "ping") as child:
        await asyncio.sleep(1)
        before, began = child.cpu_s(), time.monotonic()
        await asyncio.sleep(seconds)
        return share(child, before, began)


def _imports_mb() -> float:
    """Of an interpreter that has imported what the prober does not bring itself."""
    with running([sys.executable, "-c", IMPORTS], "imports") as child:
        child.wait_for("here")
        return child.resident_mb()
