"""Which of several replicas speaks: the one that holds a Lease of the API server and renews it.

Clocks of different machines are not compared. A holder counts as gone when its record has not changed for the Lease's
duration by this replica's own monotonic clock.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

import msgspec

from extender.cluster.api import Api, ApiError, decoded
from neilats.log import get_logger

__all__ = ["Lease"]

log = get_logger("extender.events")

DURATION_S: Final = 15.0
RETRY_S: Final = 5.0
GIVE_UP_S: Final = 10.0
"""After so long without a renewal a holder falls silent: before others may take the lease."""


_KEPT: Final = ("resourceVersion", "labels", "annotations", "ownerReferences")


class _Spec(msgspec.Struct, omit_defaults=True, rename="camel"):
    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None


class _Lease(msgspec.Struct):
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    spec: _Spec = msgspec.field(default_factory=_Spec)


_lease = msgspec.json.Decoder(_Lease).decode


@dataclass(frozen=True)
class _Observed:
    """What was read, and when it was first seen to be so."""

    lease: _Lease = field(default_factory=_Lease)
    at: float = -math.inf


class Lease:
    """A Lease by namespace and name. `clock` is in monotonic seconds, `wall` in seconds since 1970."""

    def __init__(
        self,
        api: Api,
        namespace: str,
        name: str,
        identity: str,
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._api, self._name, self._namespace, self._identity = api, name, namespace, identity
        self._clock, self._wall = clock, wall
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{quote(namespace, safe='')}/leases"
        self._seen = _Observed()
        self._renewed = -math.inf
        self._problem = ""
        self._turn = asyncio.Lock()
        self._closed = False

    @property
    def held(self) -> bool:
        """Whether this replica holds the lease, and nobody else can."""
        return not self._closed and self._clock() - self._renewed < GIVE_UP_S

    async def run(self) -> None:
        """Acquire and renew for ever."""
        while True:
            try:
                await self.attempt()
            except Exception:  # a replica that stops to try would leave the pods without anybody who speaks
                log.exception("attempt to take the lease failed unexpectedly", extra={"lease": self._name})
            await asyncio.sleep(RETRY_S)

    async def attempt(self) -> None:
        """Take or renew the lease, if it is to be had; what goes wrong is logged once and tried again."""
        before = self.held
        async with self._turn:
            began = self._clock()
            try:
                if not self._closed and await self._taken():
                    self._renewed = began
                self._problem = ""
            except ApiError as e:
                self._complain(str(e))
        if self.held != before:
            log.info("speaks of placed pods" if self.held else "falls silent", extra={"lease": self._name})

    async def close(self) -> None:
        """Give the lease back, so that another replica need not wait for its end."""
        self._closed = True
        async with self._turn:  # an attempt under way may still take it
            if self._clock() - self._renewed >= GIVE_UP_S:
                return
            spec = msgspec.structs.replace(self._seen.lease.spec, holder_identity="", lease_duration_seconds=1)
            try:
                await self._put(spec)
            except ApiError as e:
                log.info("lease not given back", extra={"lease": self._name, "problem": str(e)})

    async def _taken(self) -> bool:
        """One attempt; False where another replica holds the lease, or was quicker."""
        try:
            self._observe(decoded(_lease, await self._api.get(f"{self._path}/{quote(self._name, safe='')}", {})))
        except ApiError as e:
            if e.status != 404:
                raise
            return await self._written(self._create)
        if not self._free():
            self._renewed = -math.inf
            return False
        return await self._written(self._renew)

    def _free(self) -> bool:
        spec = self._seen.lease.spec
        if spec.holder_identity in (None, "", self._identity):
            return True
        duration_s = spec.lease_duration_seconds or DURATION_S
        return self._clock() - self._seen.at >= duration_s

    def _observe(self, lease: _Lease) -> None:
        if lease.spec != self._seen.lease.spec:
            self._seen = _Observed(lease, self._clock())
        else:
            self._seen = _Observed(lease, self._seen.at)

    async def _written(self, write: Callable[[], Any]) -> bool:
        """Whether a write went through; a conflict means that another replica wrote first."""
        try:
            await write()
        except ApiError as e:
            if e.status != 409:
                raise
            self._renewed = -math.inf
            return False
        return True

    async def _create(self) -> None:
        body = self._body({}, self._own(_Spec()))
        self._observe(decoded(_lease, await self._api.post(self._path, body)))

    async def _renew(self) -> None:
        await self._put(self._own(self._seen.lease.spec))

    async def _put(self, spec: _Spec) -> None:
        body = self._body(self._seen.lease.metadata, spec)
        self._observe(decoded(_lease, await self._api.put(f"{self._path}/{quote(self._name, safe='')}", body)))

    def _own(self, before: _Spec) -> _Spec:
        now = datetime.fromtimestamp(self._wall(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        mine = before.holder_identity == self._identity
        return _Spec(
            holder_identity=self._identity,
            lease_duration_seconds=round(DURATION_S),
            acquire_time=before.acquire_time if mine else now,
            renew_time=now,
            lease_transitions=(before.lease_transitions or 0) + (not mine),
        )

    def _body(self, meta: Mapping[str, Any], spec: _Spec) -> Mapping[str, Any]:
        """The object to store: what others wrote into its metadata stays, and the version guards the write."""
        kept = {k: v for k, v in meta.items() if k in _KEPT}
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": self._namespace, **kept},
            "spec": msgspec.to_builtins(spec),
        }

    def _complain(self, problem: str) -> None:
        """Log a new problem; the same one every few seconds would only fill the log."""
        if problem != self._problem:
            self._problem = problem
            log.warning("cannot take or renew the lease", extra={"lease": self._name, "problem": problem})
