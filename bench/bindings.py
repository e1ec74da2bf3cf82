"""A watch of pods that counts bindings, in a thread of its own and without decoding the pods."""

import http.client
import re
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Self

from tests.controlplane.plane import ADMIN, ControlPlane

__all__ = ["Bindings", "bound_pod", "version_of"]

NAME = re.compile(rb'"metadata":\{"name":"([^"]+)"')
VERSION = re.compile(rb'"resourceVersion":"(\d+)"')
PATH = "/api/v1/namespaces/default/pods?watch=1&resourceVersion={}"
PAUSE_S = 0.1


def bound_pod(line: bytes) -> bytes:
    """The name of the pod that this watch event shows on a node; empty where it is on none, or gone."""
    found = NAME.search(line)
    return found[1] if found and b'"nodeName":"' in line and line.startswith(b'{"type":"MODIFIED"') else b""


def version_of(line: bytes) -> str:
    """The version from which a watch goes on behind this event; empty of an error, which has none."""
    found = VERSION.search(line)
    return found[1].decode() if found and not line.startswith(b'{"type":"ERROR"') else ""


class Bindings:
    """The pods that were bound since a version of the list; a watch that ends goes on where it was. Use as a context
    manager."""

    def __init__(self, plane: ControlPlane, version: str) -> None:
        host, _, port = plane.url.removeprefix("https://").rpartition(":")
        self._host, self._port = host, int(port)
        self._tls = ssl.create_default_context(cafile=plane.ca)
        self._version = version
        self._at: dict[bytes, float] = {}
        self._open: http.client.HTTPSConnection | None = None
        self._closing = threading.Event()
        self.problem = ""
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        if self._open is not None and self._open.sock is not None:
            self._open.sock.shutdown(2)
        self._thread.join(10)

    def __len__(self) -> int:
        return len(self._at)

    @property
    def seconds(self) -> float:
        """From the first binding to the last."""
        times = list(self._at.values())
        return max(times) - min(times)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                for line in self._lines():
                    if name := bound_pod(line):
                        self._at.setdefault(name, time.monotonic())
                    if not (version := version_of(line)):
                        raise ValueError(line[:300])
                    self._version = version
            except (OSError, ValueError, http.client.HTTPException) as e:
                self.problem = f"the watch broke: {e}"
            self._closing.wait(PAUSE_S)

    def _lines(self) -> Iterator[bytes]:
        """The events of one watch, until it ends."""
        connection = self._open = http.client.HTTPSConnection(self._host, self._port, context=self._tls)
        try:
            headers = {"Authorization": f"Bearer {ADMIN}"}
            connection.request("GET", PATH.format(self._version), headers=headers)
            response = connection.getresponse()
            if response.status != 200:
                raise ValueError(f"{response.status} {response.read(300)!r}")
            rest = b""
            while part := response.read1(1 << 16):
                *lines, rest = (rest + part).split(b"\n")
                yield from lines
        finally:
            connection.close()
