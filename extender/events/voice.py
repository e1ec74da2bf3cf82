"""The parts of speaking as one: what tells, what writes, and whose turn it is; silent where nothing may be written."""

import asyncio
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from extender.cluster.api import Api
from extender.events.announcer import Announcer
from extender.events.event import Event
from extender.events.lease import Lease
from extender.events.recorder import EventRecorder
from extender.metrics import Metrics
from neilats.settings import ExtenderSettings

__all__ = ["Voice"]

EVENTS_S: Final = 1.0
LEASE_S: Final = 0.5
"""How long closing may take: for the events that wait, and for the lease. The service has 5 s to end."""


class Voice:
    """An announcer on an API server; without one, or with `events: false`, everything it is told is let go."""

    def __init__(
        self, settings: ExtenderSettings, api: Api | None, metrics: Metrics, clock: Callable[[], float]
    ) -> None:
        identity = f"{os.uname().nodename}_{secrets.token_hex(4)}"
        self._recorder: EventRecorder | None = None
        self._lease: Lease | None = None
        if settings.events and api is not None:
            self._recorder = EventRecorder(api, metrics, clock, time.time, identity)
            namespace, _, name = settings.events_lease.partition("/")
            self._lease = Lease(api, namespace, name, identity, clock, time.time) if name else None
        self._metrics, self._closed = metrics, False
        self.announcer = Announcer(self._tell, self._leads, settings.webhook_verbs)
        metrics.events_leader.set_function(lambda: float(self._leads()))

    def _leads(self) -> bool:
        return self._recorder is not None and (self._lease is None or self._lease.held)

    async def run(self) -> None:
        """Write events and keep the lease, for ever."""
        runs = [part.run() for part in (self._recorder, self._lease) if part is not None]
        await asyncio.gather(*runs, asyncio.Event().wait())

    async def close(self) -> None:
        """Write what was told as far as the time goes, and let another replica speak; best while `run` still runs."""
        self._closed = True
        if self._recorder:
            await self._recorder.finish(EVENTS_S)
        if self._lease:
            with suppress(TimeoutError):
                async with asyncio.timeout(LEASE_S):
                    await self._lease.close()

    def _tell(self, event: Event) -> None:
        if self._recorder is None:
            return
        if self._closed:
            self._metrics.events.labels("dropped").inc()
        else:
            self._recorder.tell(event)
