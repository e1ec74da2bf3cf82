"""`GET /v1/placements`: whether the promise of each placed pod is kept now."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final

from aiohttp import web

from extender.errors import BadRequest, NotReady
from extender.http import json_response
from extender.placed.keeper import Keeper
from extender.placed.standing import STATES, Standing

__all__ = ["Placements"]

MOST: Final = 20_000
"""Pods in one answer, because it is made while webhooks wait."""


class Placements:
    """The handler; `trouble` says why the placed pods are not known yet, or nothing."""

    def __init__(self, keeper: Keeper, trouble: Callable[[], str], clock: Callable[[], float]) -> None:
        self._keeper, self._trouble, self._clock = keeper, trouble, clock

    def routes(self) -> list[web.RouteDef]:
        """The route."""
        return [web.get("/v1/placements", self.placements)]

    async def placements(self, request: web.Request) -> web.Response:
        """Every placed pod that was promised something; ?namespace=, ?pod= and ?state= narrow it."""
        namespace, pod, state = (request.query.get(name) for name in ("namespace", "pod", "state"))
        if state is not None and state not in STATES:
            raise BadRequest(f"state={state[:20]!r}: expected {' or '.join(STATES)}")
        if why := self._trouble():
            raise NotReady(f"the placed pods are still being read: {why}")
        found = [
            standing
            for standing in self._keeper.standings()
            if namespace in (None, standing.placed.pod.namespace)
            and pod in (None, standing.placed.pod.name)
            and state in (None, standing.state)
        ]
        if len(found) > MOST:
            raise BadRequest(f"{len(found)} pods are too many for one answer; narrow it with ?namespace= or ?state=")
        return json_response({"pods": await asyncio.to_thread(_rows, found, self._clock())})


def _rows(standings: Iterable[Standing], now: float) -> list[dict[str, Any]]:
    return [_row(standing, now) for standing in standings]


def _row(standing: Standing, now: float) -> dict[str, Any]:
    pod, finding = standing.placed.pod, standing.finding
    return {
        "namespace": pod.namespace,
        "pod": pod.name,
        "uid": pod.uid,
        "node": pod.node,
        "scheduler": standing.placed.scheduler,
        "state": finding.state,
        "since_s": round(max(0.0, now - standing.since), 3),
        "peers": list(finding.peers),
        "max_rtt_ms": standing.placed.intent.max_rtt_ms,
        "reason": finding.reason,
    }
