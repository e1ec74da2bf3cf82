"""A watch of pods that counts bindings, in a thread of its own and without decoding the pods."""

import http.client
import re
import ssl
import threading
import time
from typing import Self

from tests.controlplane.plane import ADMIN, ControlPlane

__all__ = ["Bindings", "bound_pod"]

NAME = re.compile(rb'"metadata":\{"name":"([^"]+)"')
PATH = "/api/v1/namespaces/default/pods?watch=1&resourceVersion={}"


def bound_pod(line: bytes) -> bytes:
    """The name of the pod that this watch event shows on a node; empty where it is on none, or gone."""
    found = NAME.search(line)
    return found[1] if found and b'"nodeName":"' in line and line.startswith(b'{"type":"MODIFIED"') else b""


class Bindings:
    """The pods that were bound since a version of the list. Use as a context manager."""

    def __init__(self, plane: ControlPlane, version: str) -> None:
        host, _, port = plane.url.removeprefix("https://").rpartition(":")
        context = ssl.create_default_context(cafile=plane.ca)
        self._connection = http.client.HTTPSConnection(host, int(port), context=context)
        self._connection.request("GET", PATH.format(version), headers={"Authorization": f"Bearer {ADMIN}"})
        self._response = self._connection.getresponse()
        self._at: dict[bytes, float] = {}
        self._closing = False
        self.problem = ""
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        if self._connection.sock is not None:
            self._connection.sock.shutdown(2)
        self._thread.join(10)
        self._connection.close()

    def __len__(self) -> int:
        return len(self._at)

    @property
    def seconds(self) -> float:
        """From the first binding to the last."""
        times = list(self._at.values())
        return max(times) - min(times)

    def _read(self) -> None:
        try:
            while line := self._response.readline():
                if name := bound_pod(line):
                    self._at.setdefault(name, time.monotonic())
            self.problem = "the watch ended"
        except (OSError, ValueError, http.client.HTTPException) as e:
            self.problem = "" if self._closing else f"the watch broke: {e}"
