"""An API server in memory: objects by path, versions that guard writes, and faults as the test orders them."""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from extender.cluster.api import ApiError
from extender.events.event import Event, Reason
from extender.metrics import Metrics
from extender.pods import Pod
from tests.extender.conftest import Clock

POD = Pod("shop", "web", "uid-web", node="node-1")


class FakeStore:
    """Implements `Api` on a dictionary. `faults` are raised first, one a call; `calls` holds (method, path)."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, str]] = []
        self.faults: list[ApiError] = []
        self.down: ApiError | None = None
        self._version = 0

    async def get(self, path: str, params: Mapping[str, str]) -> bytes:
        self._asked("GET", path)
        return msgspec.json.encode(self._found(path))

    async def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        self._asked("POST", path)
        path = f"{path}/{body['metadata']['name']}"
        if path in self.objects:
            raise ApiError.of_status(409, "already exists")
        return self._stored(path, body)

    async def put(self, path: str, body: Mapping[str, Any]) -> bytes:
        self._asked("PUT", path)
        if body["metadata"].get("resourceVersion") != self._found(path)["metadata"]["resourceVersion"]:
            raise ApiError.of_status(409, "the object has been modified")
        return self._stored(path, body)

    async def patch(self, path: str, body: Mapping[str, Any]) -> None:
        self._asked("PATCH", path)
        self._stored(path, self._found(path) | body)

    async def lines(
        self, path: str, params: Mapping[str, str], silence_s: float, opened: Callable[[], None]
    ) -> AsyncGenerator[bytes, None]:
        raise NotImplementedError
        yield b""

    async def close(self) -> None:
        """Nothing to close."""

    def _asked(self, method: str, path: str) -> None:
        self.calls.append((method, path))
        if self.down:
            raise self.down
        if self.faults:
            raise self.faults.pop(0)

    def _found(self, path: str) -> dict[str, Any]:
        if path not in self.objects:
            raise ApiError.of_status(404, "not found")
        return self.objects[path]

    def _stored(self, path: str, body: Mapping[str, Any]) -> bytes:
        self._version += 1
        stored = dict(body) | {"metadata": {**body["metadata"], "resourceVersion": str(self._version)}}
        self.objects[path] = stored
        return msgspec.json.encode(stored)

    def events(self) -> list[dict[str, Any]]:
        return [o for o in self.objects.values() if o["kind"] == "Event"]


@dataclass
class Wall(Clock):
    """Seconds since 1970."""

    now: float = 1_700_000_000.0


@dataclass
class Counted:
    """Metrics, read by outcome."""

    metrics: Metrics = field(default_factory=lambda: Metrics(CollectorRegistry(), "test"))

    def __getitem__(self, outcome: str) -> float:
        found = self.metrics.registry.get_sample_value("neilats_extender_events_total", {"outcome": outcome})
        assert found is not None
        return found


def an_event(
    message: str = "path to gateway breaks 5 ms", reason: Reason = "LatencyPromiseBroken", **fields: Any
) -> Event:
    return Event(fields.pop("pod", POD), reason, message, **fields)


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def wall() -> Wall:
    return Wall()
