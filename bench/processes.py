"""The programs under test as child processes: started, found listening, looked at in /proc, and stopped."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.client import Connection, request
from bench.cpu import Stat
from bench.timing import BenchError
from tests.controlplane.plane import die_with_parent, free_port

__all__ = ["MB", "Child", "Extender", "extender", "module", "null_extender", "running"]

MB = 1e6
START_S = 60.0


class Child:
    """A running program whose output goes to a file."""

    def __init__(self, argv: Sequence[str | Path], log: Path, *, piped: bool = False) -> None:
        self.log = log
        kept = {k: v for k, v in os.environ.items() if not k.startswith("NEILATS_") and k != "KUBECONFIG"}
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [str(a) for a in argv],
                stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
                stdout=subprocess.PIPE if piped else out,
                stderr=out,
                env=kept,
                preexec_fn=die_with_parent,
            )

    def wait_for(self, pattern: str, seconds: float = START_S) -> "re.Match[str]":
        """The first match in its log; raises BenchError with the log's end where it ends or says nothing such."""
        end = time.monotonic() + seconds
        while (found := re.search(pattern, self.text())) is None:
            if self.process.poll() is not None or time.monotonic() > end:
                raise BenchError(f"{self.log.stem} does not say {pattern!r}: {self.text()[-1000:]}")
            time.sleep(0.01)
        return found

    def text(self) -> str:
        """All that it wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def cpu_s(self) -> float:
        """User and system time so far, of all its threads."""
        return Stat.of(self.process.pid).cpu_s

    def resident_mb(self) -> float:
        """Resident memory in MB of a million bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        if found is None:
            raise BenchError(f"{self.log.stem} has ended: {self.text()[-1000:]}")
        return int(found[1]) * 1024 / MB

    def stop(self) -> None:
        """End it; what does not end within five seconds is killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


@contextmanager
def running(argv: Sequence[str | Path], name: str, *, piped: bool = False) -> Iterator[Child]:
    """A program that is stopped at the end, whatever happens."""
    with tempfile.TemporaryDirectory(prefix="neilats-bench-") as folder:
        child = Child(argv, Path(folder) / f"{name}.log", piped=piped)
        try:
            yield child
        finally:
            child.stop()


def module(name: str, *argv: str) -> list[str]:
    """The command line of one of our modules, in this interpreter."""
    return [sys.executable, "-m", name, *argv]


@contextmanager
def null_extender(program: Path) -> Iterator[str]:
    """The Go yardstick; gives its address."""
    address = f"127.0.0.1:{free_port()}"
    with running([program, address], "null-extender"):
        end = time.monotonic() + START_S
        while True:
            try:
                with Connection(address):
                    break
            except OSError:
                if time.monotonic() > end:
                    raise BenchError(f"{program} does not listen on {address}") from None
                time.sleep(0.01)
        yield address


@dataclass(frozen=True)
class Extender:
    """A running `neilats extender`: its process, and its listeners' addresses."""

    child: Child
    webhooks: str
    api: str
    scrape: str
    """Where /metrics is plain HTTP, which the API is not under TLS."""

    def get(self, path: str) -> bytes:
        """The body of a GET of /metrics, or of the API where that is plain HTTP."""
        with Connection(self.scrape) as connection:
            answer = connection.call(request(path))
        if answer.status != 200:
            raise BenchError(f"GET {path}: {answer.status} {answer.body[:300]!r}")
        return answer.body

    def metrics(self) -> dict[str, float]:
        """Every series by its name with sorted labels, as it is exposed."""
        lines = self.get("/metrics").decode().splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}

    def decided(self) -> dict[str, float]:
        """How many calls of each verb were really decided, and not answered neutrally."""
        seen = self.metrics()

        def count(verb: str, *outcomes: str) -> float:
            return sum(seen[f'neilats_extender_calls_total{{outcome="{o}",verb="{verb}"}}'] for o in outcomes)

        return {"filter": count("filter", "filtered", "passed"), "prioritize": count("prioritize", "scored")}

    def samples(self) -> float:
        """How many samples it has counted."""
        return sum(count for name, count in self.metrics().items() if name.startswith("neilats_extender_samples_total"))


@contextmanager
def extender(nodes: Mapping[str, str] | None = None, **settings: Any) -> Iterator[Extender]:
    """A `neilats extender`, without a cluster if `nodes` are given (address by name), with every other setting as by
    default."""
    fixed: dict[str, Any] = {"listen": "127.0.0.1:0", "webhook_listen": "127.0.0.1:0", "log_level": "info"}
    if nodes is not None:
        fixed |= {"cluster": "none", "nodes": dict(nodes)}
    with tempfile.TemporaryDirectory(prefix="neilats-bench-") as folder:
        config = Path(folder) / "extender.yaml"
        config.write_text(yaml.safe_dump(fixed | settings), encoding="utf-8")
        with running(module("neilats", "extender", "--config", str(config)), "extender") as child:
            line = child.wait_for(r"msg=listening (.*)")[1]
            where: dict[str, str] = dict(re.findall(r"(webhooks|api|metrics)=(\S+)", line))
            yield Extender(child, where["webhooks"], where["api"], where.get("metrics", where["api"]))
