"""The prober's sockets beside `ping`, at the same time, on the loopback.

Each sends single probes with gaps of about 50 ms, because probes in a row find everything warmed up by the first: a
prober of many targets sends them in groups, and so measures less than ping does, by what ping's own wake-up costs.
Rounds differ by tens of microseconds on a busy machine, so the middle one counts.
"""

import json
import re
import shutil
import statistics
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.options import Options
from bench.processes import module
from bench.timing import BenchError, Row, Skipped

__all__ = ["Round", "middle", "reached", "rows"]

LEAST_ERROR_MS, ERROR_SHARE = 0.020, 0.10
ADDRESS, GAP_S = "127.0.0.1", 0.05


@dataclass(frozen=True)
class Round:
    """Median round trips in ms."""

    ours: float
    ping: float

    @property
    def error_ms(self) -> float:
        """Ours less ping's."""
        return self.ours - self.ping


def rows(options: Options) -> Iterator[Row]:
    """One line: the middle round."""
    if shutil.which("ping") is None:
        raise Skipped("no ping: install iputils-ping")
    count, number = (100, 3) if options.quick else (200, 5)
    rounds = [_round(count) for _ in range(number)]
    found = middle(rounds)
    yield Row(
        "prober's round trip, single probes, median", found.ours, "ping", found.ping, "within max(20 µs, 10 %)",
        reached(found), ratios=[r.ours / r.ping for r in rounds],
        details={"error_ms": found.error_ms, "errors_ms": [r.error_ms for r in rounds]},
    )  # fmt: skip


def middle(rounds: list[Round]) -> Round:
    """The round whose error is the median one."""
    return sorted(rounds, key=lambda found: found.error_ms)[len(rounds) // 2]


def reached(found: Round) -> bool:
    """Whether the error is at most 20 µs or a tenth."""
    return abs(found.error_ms) <= max(LEAST_ERROR_MS, ERROR_SHARE * found.ping)


def _round(count: int) -> Round:
    ours = _started(module("tests.e2e.echo", "auto", ADDRESS, str(count), f"{GAP_S:g}"))
    ping = _started(["ping", "-n", "-i", f"{GAP_S:g}", "-c", str(count), ADDRESS])
    mine = json.loads(_output(ours))["rtt_ms"]
    theirs = [float(ms) for ms in re.findall(r"time=([\d.]+) ms", _output(ping))]
    if min(len(mine), len(theirs)) < 0.9 * count:
        raise BenchError(f"of {count} probes the prober's sockets saw {len(mine)} answered, and ping {len(theirs)}")
    return Round(statistics.median(mine), statistics.median(theirs))


def _started(command: Sequence[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _output(process: "subprocess.Popen[str]") -> str:
    out, err = process.communicate(timeout=120)
    if process.returncode:
        raise BenchError(f"{process.args!r}: {err[-500:]}")
    return out
