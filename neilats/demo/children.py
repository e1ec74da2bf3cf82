"""The demo's processes: started together, watched, and stopped on every way out."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

__all__ = ["ChildError", "Children", "free_port"]

STOP_S: Final = 6.0
"""The services promise to stop within five seconds; what is late is killed."""

TAIL_LINES: Final = 8


class ChildError(RuntimeError):
    """A process of the demo ended by itself; the text has the end of its log."""


@dataclass(frozen=True)
class _Child:
    name: str
    process: "subprocess.Popen[bytes]"
    log: Path


class Children:
    """Use as a context manager; the logs lie in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._children: list[_Child] = []

    def start(self, name: str, arguments: Sequence[str], *, orders: bool = False) -> None:
        """Start `python ARGUMENTS...`. It has a session of its own, so that Ctrl-C reaches only the demo itself."""
        log = self.folder / f"{name}.log"
        env = {k: v for k, v in os.environ.items() if not k.startswith("NEILATS_")}
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                stdin=subprocess.PIPE if orders else subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=env,
                start_new_session=True,
            )
        self._children.append(_Child(name, process, log))

    def tell(self, name: str, order: Mapping[str, Any]) -> None:
        """Send an order to one process."""
        child = next(c for c in self._children if c.name == name)
        assert child.process.stdin is not None
        with suppress(OSError):  # it has ended: `check` says so
            child.process.stdin.write(json.dumps(order).encode() + b"\n")
            child.process.stdin.flush()

    def check(self) -> None:
        """Raise ChildError if a process has ended."""
        for child in self._children:
            status = child.process.poll()
            if status is not None:
                raise ChildError(
                    f"{child.name} ended with status {status}; the end of {child.log}:\n{_tail(child.log)}"
                )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask every process to end, wait, and kill what is left; also when that is interrupted."""
        try:
            for child in self._children:
                child.process.terminate()
            until = time.monotonic() + STOP_S
            for child in self._children:
                with suppress(subprocess.TimeoutExpired):
                    child.process.wait(max(0.0, until - time.monotonic()))
        finally:
            for child in self._children:
                if child.process.poll() is None:
                    child.process.kill()
                child.process.wait()
                if child.process.stdin is not None:
                    with suppress(OSError):
                        child.process.stdin.close()


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-TAIL_LINES:]) or "  (nothing)"


def free_port(address: str, wanted: int) -> int:
    """The wanted TCP port if it is free at this address, else any that is."""
    for port in (wanted, 0):
        with socket.socket() as sock, suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the services do: the last demo may linger
            sock.bind((address, port))
            return int(sock.getsockname()[1])
    raise OSError(f"no TCP port is free at {address}")
