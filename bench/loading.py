"""The load generator as seen by a section: started, waited for, stopped, and what it saw."""

import json
import selectors
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from bench.load.fleet import Load, Seen
from bench.processes import Child, module, running
from bench.timing import BenchError

__all__ = ["Generator", "loading"]

END_S = 30.0


class Generator:
    """A running `python -m bench.load`."""

    def __init__(self, child: Child) -> None:
        self.child = child

    def ready(self, seconds: float) -> bool:
        """Whether every prober was answered within so many seconds."""
        return self._line(seconds) == "ready"

    def stop(self) -> Seen:
        """End the load; what it saw."""
        stdin = self.child.process.stdin
        assert stdin is not None
        stdin.close()
        end = time.monotonic() + END_S
        while time.monotonic() < end:
            line = self._line(end - time.monotonic())
            if line.startswith("{"):
                return msgspec.convert(json.loads(line), Seen)
        raise BenchError(f"the load generator does not end: {self.child.text()[-1000:]}")

    def _line(self, seconds: float) -> str:
        stdout = self.child.process.stdout
        assert stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            if not selector.select(seconds):
                return ""
        line = stdout.readline().decode().strip()
        if not line:
            raise BenchError(f"the load generator ended: {self.child.text()[-1000:]}")
        return line


@contextmanager
def loading(load: Load) -> Iterator[Generator]:
    """A load that runs from now on."""
    with running(module("bench.load", msgspec.json.encode(load).decode()), "load", piped=True) as child:
        yield Generator(child)
