"""`neilats extender` and `neilats prober` as processes: how they start, stop and fail."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tests.neilats.conftest import neilats_process

EXTENDER = ("extender", "--cluster", "none", "--nodes", "a=127.0.0.1", "--listen", "127.0.0.1:0")
EXTENDER += ("--webhook-listen", "127.0.0.1:0")
PROBER = ("prober", "--node-name", "a", "--probe-mode", "udp", "--metrics-listen", "127.0.0.1:0")
PROBER += ("--extender-url", "http://127.0.0.1:9", "-s", "udp_port=0", "-s", "bind=127.0.0.1")

STARTED = {
    "extender": r"msg=listening .*webhooks=127\.0\.0\.1:\d+ .*api=127\.0\.0\.1:\d+",
    "prober": r"http=127\.0\.0\.1:\d+",
}


@contextmanager
def running(*arguments):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("NEILATS_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "neilats", *arguments], stderr=subprocess.PIPE, text=True, env=clean
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def started(process, pattern):
    """Read the log up to the line that says that the service has started."""
    for line in process.stderr:
        if re.search(pattern, line):
            return line
    raise AssertionError("the service ended without having started")


@pytest.mark.parametrize("arguments", [EXTENDER, PROBER], ids=["extender", "prober"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_service_says_what_it_listens_on_and_stops_when_told(arguments, number):
    with running(*arguments) as process:
        started(process, STARTED[arguments[0]])
        process.send_signal(number)
        began = time.monotonic()
        assert process.wait(5) == 0
        assert time.monotonic() - began < 5
        assert "Traceback" not in process.stderr.read()


@pytest.mark.parametrize(
    ("arguments", "flag"),
    [(EXTENDER, "--listen"), (EXTENDER, "--webhook-listen"), (PROBER, "--metrics-listen")],
    ids=["extender's API", "extender's webhooks", "prober's metrics"],
)
def test_a_port_that_is_taken_is_one_clear_line(arguments, flag):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = neilats_process(*arguments, flag, f"127.0.0.1:{port}")
    assert done.returncode == 1
    assert len([line for line in done.stderr.splitlines() if "level=info" not in line]) == 1
    assert f"{port}" in done.stderr
    assert "address already in use" in done.stderr.lower()
