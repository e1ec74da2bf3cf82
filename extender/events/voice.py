"""The parts of speaking as one: what tells, what writes, and whose turn it is; silent where nothing may be written."""

import asyncio
import os
import secrets
import time
from collections.abc import Callable

from extender.cluster.api import Api
from extender.events.announcer import Announcer
from extender.events.lease import Lease
from extender.events.recorder import EventRecorder
from extender.metrics import Metrics
from neilats.settings import ExtenderSettings

__all__ = ["Voice"]


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
        tell = self._recorder.tell if self._recorder else lambda event: None
        self.announcer = Announcer(tell, self._leads, settings.webhook_verbs)
        metrics.events_leader.set_function(lambda: float(self._leads()))

    def _leads(self) -> bool:
        return self._recorder is not None and (self._lease is None or self._lease.held)

    async def run(self) -> None:
        """Write events and keep the lease, for ever."""
        runs = [part.run() for part in (self._recorder, self._lease) if part is not None]
        await asyncio.gather(*runs, asyncio.Event().wait())

    async def close(self) -> None:
        """Let another replica speak."""
        if self._lease:
            await self._lease.close()
