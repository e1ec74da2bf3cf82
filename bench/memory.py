"""Resident memory of `neilats extender` with the package's networks, after they forecast 5,000 paths.

The yardstick is the same extender with the naive rules alone: what the networks and their runtime add.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from bench.timing import Row

__all__ = ["rows"]

TARGETS = 5000
TARGET_MB = 250.0
PEER = "peer"
PATIENCE_S = 30.0


def rows() -> Iterator[Row]:
    """One line."""
    ours, naive = _resident_mb("auto"), _resident_mb("median")
    yield Row(
        f"extender with networks, {TARGETS:,} paths", ours, "with naive rules", naive, f"<= {TARGET_MB:g} MB",
        ours <= TARGET_MB, "MB",
    )  # fmt: skip


def _resident_mb(forecaster: str) -> float:
    names = [f"node-{i}" for i in range(TARGETS)]
    command = [sys.executable, "-m", "neilats", "extender", "--cluster", "none", "--listen", "127.0.0.1:0"]
    command += ["--webhook-listen", "127.0.0.1:0", "--nodes", ",".join(f"{n}=" for n in [PEER, *names])]
    process = subprocess.Popen([*command, "-s", f"forecaster={forecaster}"], stderr=subprocess.PIPE, text=True)
    try:
        url = _listening(process)
        _post(f"{url}/v1/report", _report(names))
        _post(f"{url}/v1/scores", {"peer": PEER, "sla_ms": 20, "nodes": names})
        if forecaster != "median":
            _wait(url)
        _post(f"{url}/v1/scores", {"peer": PEER, "sla_ms": 20, "nodes": names})
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    finally:
        process.kill()
        process.wait()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024 / 1e6


def _report(names: list[str]) -> dict[str, Any]:
    run = {"age_ms": 0, "step_ms": 10000}
    samples = {name: {**run, "rtt_ms": [1.0 + (i + k) % 40 for k in range(64)]} for i, name in enumerate(names)}
    return {"node": PEER, "boot": "b", "seq": 1, "interval_ms": 10000, "samples": samples}


def _listening(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"msg=listening .*api=(127\.0\.0\.1:\d+)", line):
            return f"http://{found[1]}"
    raise SystemExit("the extender ended without having started")


def _post(url: str, body: dict[str, Any]) -> None:
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=PATIENCE_S) as response:
        response.read()


def _wait(url: str) -> None:
    """Until the network answered for all paths: a call does not wait for what is late."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with urlopen(f"{url}/metrics", timeout=PATIENCE_S) as response:
            text = response.read().decode()
        counts = re.findall(r"^neilats_extender_forecast_rows_total\{.*\} (\S+)$", text, re.MULTILINE)
        if sum(map(float, counts)) >= TARGETS:
            return
        time.sleep(0.1)
    raise SystemExit("the network did not forecast all paths in time; has the package models (make packaged-models)?")
