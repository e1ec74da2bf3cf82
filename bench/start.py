"""The extender's start, from the process to the first 200 of /readyz, without a cluster.

An extender is ready once four fifths of the probers have reported, and that takes as long as they do; it has no nodes
here, so that what is measured is its own part: imports, loading the package's networks, listening. The yardstick is an
interpreter that imports the third parties it needs and ends.
"""

import statistics
import sys
import time
from collections.abc import Iterator

from bench.client import Connection, request
from bench.options import Options
from bench.processes import START_S, module, running
from bench.timing import BenchError, Row
from tests.controlplane.plane import free_port

__all__ = ["rows"]

TARGET_MS = 1000.0
IMPORTS = "import aiohttp, click, msgspec, numpy, onnxruntime, prometheus_client, yaml"
POLL_S = 0.002


def rows(options: Options) -> Iterator[Row]:
    """One line."""
    pairs = [(_start_ms(), _imports_ms()) for _ in range(3 if options.quick else 9)]
    ours, imports = zip(*pairs, strict=True)
    figure = statistics.median(ours)
    yield Row(
        "extender's start to ready, no cluster, no nodes", figure, "importing its third parties",
        statistics.median(imports), f"<= {TARGET_MS:g} ms", figure <= TARGET_MS,
        ratios=[a / b for a, b in pairs],
    )  # fmt: skip


def _start_ms() -> float:
    api, webhooks = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    command = module("neilats", "extender", "--cluster", "none", "--listen", api, "--webhook-listen", webhooks)
    began = time.perf_counter()
    with running(command, "extender") as child:
        while not _ready(api):
            if child.process.poll() is not None or time.perf_counter() - began > START_S:
                raise BenchError(f"the extender did not get ready: {child.text()[-1000:]}")
            time.sleep(POLL_S)
        return (time.perf_counter() - began) * 1000


def _ready(address: str) -> bool:
    try:
        with Connection(address) as connection:
            return connection.call(request("/readyz")).status == 200
    except OSError:
        return False


def _imports_ms() -> float:
    began = time.perf_counter()
    with running([sys.executable, "-c", IMPORTS], "imports") as child:
        if child.process.wait(START_S):
            raise BenchError(f"the yardstick failed: {child.text()[-1000:]}")
        return (time.perf_counter() - began) * 1000
