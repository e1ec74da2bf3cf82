"""`/v1/*`: what the extender knows and decided, for people, plugins and the command line."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import numpy as np
from aiohttp import web
from numpy.typing import NDArray

from extender.cluster.base import Cluster, Resolution
from extender.decide import Decider
from extender.decisions import Decision, Decisions
from extender.errors import BadRequest, NotReady, Unknown
from extender.http import json_body, json_response
from extender.intents import Intent
from extender.scorer import Scored
from extender.scoretable import number, path_columns
from extender.standingtable import StandingTable
from extender.unmeasured import unmeasured
from extender.windows import ABSENT, WindowStore
from scoring.profiles import PROFILES

__all__ = ["Queries"]

Floats = NDArray[np.float64]

LIMIT: Final = 20
"""Decisions in one answer unless asked otherwise."""

MOST_NODES: Final = 10_000
MOST_PATHS: Final = 20_000
"""What one question may ask for, because its answer is made while webhooks wait."""


class Queries:
    """The handlers; `clock` is the store's, `settle` completes the last decisions."""

    def __init__(
        self,
        store: WindowStore,
        cluster: Cluster,
        decider: Decider,
        decisions: Decisions,
        clock: Any,
        settle: Callable[[], Awaitable[None]],
    ) -> None:
        self._settle = settle
        self._store, self._cluster, self._decider = store, cluster, decider
        self._decisions, self._clock = decisions, clock

    def routes(self) -> list[web.RouteDef]:
        """The routes below /v1 that read."""
        return [
            web.post("/v1/scores", self.scores),
            web.get("/v1/windows/{source}/{target}", self.window),
            web.get("/v1/matrix", self.matrix),
            web.get("/v1/decisions", self.decisions),
            web.get("/v1/decisions/{namespace}/{pod}", self.pod_decisions),
        ]

    async def scores(self, request: web.Request) -> web.Response:
        """Every node's score towards one peer: what a plugin needs, and the what-if before a pod exists."""
        body = await json_body(request)
        peer, names = self._peer(body), self._names(body)
        intent = Intent(peer_nodes=(peer,), max_rtt_ms=_sla(body), profile=_profile(body))
        scorer = self._decider.scorer
        self._decider.asked((peer,))
        try:
            scored = await scorer.score(intent, Resolution((peer,), (1.0,)), names, self._decider.end())
        except TimeoutError:
            raise NotReady("the scores are still being computed; ask again in a moment") from None
        await scorer.analyse(scored)
        return json_response(await asyncio.to_thread(_scores_json, peer, scored))

    def _peer(self, body: Mapping[str, Any]) -> str:
        peer = body.get("peer")
        if not isinstance(peer, str) or not peer:
            raise BadRequest("peer is missing; expected the name of a node")
        if peer not in self._cluster.nodes:
            raise Unknown(f"peer {peer!r} is no known node")
        return peer

    def _names(self, body: Mapping[str, Any]) -> list[str]:
        """The nodes asked for, all known ones by default; an unknown one is scored as unknown, not refused."""
        names = body.get("nodes")
        if names is None:
            return list(self._cluster.nodes)
        if not isinstance(names, list) or not all(isinstance(n, str) and n for n in names):
            raise BadRequest("nodes: expected a list of node names")
        if len(names) > MOST_NODES:
            raise BadRequest(f"nodes has {len(names)} names; at most {MOST_NODES} are scored at once")
        return list(dict.fromkeys(names))

    async def window(self, request: web.Request) -> web.Response:
        """One path's window, as measured."""
        source, target = request.match_info["source"], request.match_info["target"]
        row = self._store.row(source, target)
        if row == ABSENT:
            raise Unknown(f"no measurements of {source} -> {target}")
        now, rows = self._clock(), np.array([row])
        values = self._store.windows(rows, now)
        return json_response(
            {
                "source": source,
                "target": target,
                "interval_s": self._store.interval_s,
                **_path_json(values, self._store.age_s(rows, now))[0],
                "rtt_ms": [_sample(v) for v in values[0]],
            }
        )

    async def matrix(self, request: web.Request) -> web.Response:
        """Every path that is known, with its age; ?source= and ?target= narrow it, ?estimates=true adds the others."""
        source, target = request.query.get("source"), request.query.get("target")
        paths = list(islice(self._store.paths(source, target), MOST_PATHS + 1))
        if len(paths) > MOST_PATHS:
            raise BadRequest(
                f"more than {MOST_PATHS} paths are too many for one answer; narrow it with ?source= or ?target="
            )
        rows, now = np.array([r for _, _, r in paths], dtype=np.intp), self._clock()
        windows, age_s = self._store.windows(rows, now), self._store.age_s(rows, now)
        nodes, interval_s = list(self._cluster.nodes), self._store.interval_s
        answer = await asyncio.to_thread(_matrix_json, nodes, interval_s, paths, windows, age_s)
        return json_response(answer | await self._estimates(request.query.get("estimates"), source, target))

    async def _estimates(self, asked: str | None, source: str | None, target: str | None) -> dict[str, Any]:
        """What is estimated of the paths that nobody measured, if that was asked for."""
        if asked not in (None, "true", "false"):
            raise BadRequest(f"estimates={asked[:20]!r}: expected true or false")
        estimator = self._decider.scorer.estimator
        if asked != "true" or estimator is None:
            return {}
        nodes = list(self._cluster.nodes)
        sources, targets = nodes if source is None else [source], nodes if target is None else [target]
        return {"estimates": await unmeasured(estimator, self._store, sources, targets, MOST_PATHS)}

    async def decisions(self, request: web.Request) -> web.Response:
        """The latest decisions, newest first; ?limit= and ?namespace= narrow them."""
        limit, namespace = _limit(request), request.query.get("namespace")
        found = [d for d in self._decisions if namespace in (None, d.pod.namespace)]
        return json_response({"decisions": await self._shown(found[:limit])})

    async def pod_decisions(self, request: web.Request) -> web.Response:
        """What was decided for one pod, newest first."""
        namespace, name = request.match_info["namespace"], request.match_info["pod"]
        found = self._decisions.of_pod(namespace, name)
        if not found:
            raise Unknown(f"no decision about pod {namespace}/{name}; has it an intent, and this scheduler's name?")
        return json_response({"decisions": await self._shown(found)})

    async def _shown(self, found: Sequence[Decision]) -> list[dict[str, Any]]:
        """Decisions as JSON, once all that were made before them hold their numbers too."""
        await self._settle()
        for decision in reversed(found):  # those that were made a moment ago
            if isinstance(decision.table, StandingTable):
                await decision.table.settle()
        return await asyncio.to_thread(_all_json, found)


def _all_json(decisions: Iterable[Decision]) -> list[dict[str, Any]]:
    return [d.as_json() for d in decisions]


def _scores_json(peer: str, scored: Scored) -> dict[str, Any]:
    table = scored.table
    rows = table.rows()
    for row in rows:
        row |= row.pop("paths")[0]
    return {
        "peer": peer,
        "sla_ms": table.sla_ms,
        "profile": table.profile,
        "unit": table.unit,
        "nodes": {row.pop("node"): row for row in rows},
    }


def _matrix_json(
    nodes: list[str], interval_s: float, paths: Sequence[tuple[str, str, int]], windows: Floats, age_s: Floats
) -> dict[str, Any]:
    values = _path_json(windows, age_s)
    return {
        "nodes": nodes,
        "interval_s": interval_s,
        "paths": [{"source": s, "target": t, **v} for (s, t, _), v in zip(paths, values, strict=True)],
    }


def _path_json(windows: Floats, age_s: Floats) -> Sequence[dict[str, Any]]:
    samples, columns = path_columns(windows, age_s)
    return [{"samples": int(samples[i]), **{k: number(v[i]) for k, v in columns.items()}} for i in range(len(windows))]


def _sample(value: float) -> float | None:
    return None if math.isnan(value) else -1.0 if math.isinf(value) else round(float(value), 6)


def _sla(body: Mapping[str, Any]) -> float | None:
    value = body.get("sla_ms")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e9:
        raise BadRequest(f"sla_ms is {value!r}; expected milliseconds above 0, or null for a ranking by RTT")
    return float(value)


def _profile(body: Mapping[str, Any]) -> str:
    name = body.get("profile") or ""
    if not isinstance(name, str) or (name and name not in PROFILES):
        raise BadRequest(f"profile {name!r} does not exist; there are {', '.join(PROFILES)}")
    return name


def _limit(request: web.Request) -> int:
    raw = request.query.get("limit", str(LIMIT))
    if not (raw.isascii() and raw.isdigit() and len(raw) < 7):
        raise BadRequest(f"limit={raw[:20]!r}: expected a whole number below 1000000")
    return int(raw)
