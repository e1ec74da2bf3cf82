"""The calls of the old Go plugin: the same paths, fields and bodies; better errors, and no /shutdown."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
from aiohttp import web
from numpy.typing import NDArray

from extender.cluster.base import Cluster
from extender.errors import BadRequest, Unknown
from extender.http import json_body, json_response
from extender.worker import Worker
from models.errors import ModelError
from models.holder import Models
from models.runtime.networks import NAIVE, points_or_naive
from neilats.log import get_logger
from prober.wire import MAX_RTT_MS
from scoring.adf import adf_batch
from scoring.forecast import HORIZON_SLOTS, Forecaster
from scoring.future import future_score, inverse_sum
from scoring.paths import Paths

__all__ = ["Plugin", "split_pair"]

log = get_logger("extender.plugin")

WINDOW: Final = 30
"""Samples in a /predict call."""

LONGEST: Final = 10_000
"""Samples in an /adf_score call at most: the test's cost grows with the cube of its lags."""


MAX_SLA_MS: Final = 1e9
"""Above this a score has no meaning, and far above it no finite value."""


class Plugin:
    """The handlers; `cors_origin` is sent with every answer if it is not empty."""

    def __init__(self, cluster: Cluster, models: Callable[[], Models], worker: Worker, cors_origin: str) -> None:
        self._cluster, self._models, self._worker = cluster, models, worker
        self._headers = {"Access-Control-Allow-Origin": cors_origin} if cors_origin else {}

    def routes(self) -> list[web.RouteDef]:
        """The three calls, and the browser's question before them if CORS is on."""
        found = [
            web.post("/predict/{pair}", self.predict),
            web.post("/adf_score", self.adf_score),
            web.get("/health", self.health),
        ]
        if self._headers:
            found += [web.options("/predict/{pair}", self.preflight), web.options("/adf_score", self.preflight)]
        return found

    async def predict(self, request: web.Request) -> web.Response:
        """The future score of a window under an SLA."""
        a, b = split_pair(request.match_info["pair"], self._cluster.nodes)
        body = await json_body(request)
        window = _latency(body)
        if len(window) != WINDOW:
            raise BadRequest(f"latency has {len(window)} samples; expected {WINDOW}")
        sla_ms = _sla(body)
        if np.isnan(window).all():
            raise BadRequest("latency holds no measured sample")
        forecaster = _of_pair(self._models(), a, b)
        rtt_ms, name = await self._worker.run(partial(_forecast, forecaster, window))
        score = float(future_score(inverse_sum(rtt_ms), sla_ms, HORIZON_SLOTS)[0])
        return self._score(score, {"X-Neilats-Forecaster": name})

    async def adf_score(self, request: web.Request) -> web.Response:
        """The ADF score of a window of any length; one that has none scores 0, with the reason in a header."""
        window = _latency(await json_body(request))
        result = adf_batch(window[None])
        return self._score(float(result.score[0]), {"X-Neilats-Reason": str(result.reason[0])})

    async def health(self, request: web.Request) -> web.Response:
        """What the old service said while it lived."""
        return json_response({"status": "ok"}, headers=dict(self._headers))

    async def preflight(self, request: web.Request) -> web.Response:
        """A browser's CORS preflight."""
        allow = {"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "Content-Type"}
        return web.Response(status=204, headers={**self._headers, **allow})

    def _score(self, score: float, headers: dict[str, str]) -> web.Response:
        return json_response({"score": score}, headers={**self._headers, **headers})


def _of_pair(models: Models, a: str, b: str) -> Forecaster:
    """The pair's own imported model, in either direction as ever, else the one for all pairs."""
    return models.pairs.get(f"{a}2{b}") or models.pairs.get(f"{b}2{a}") or models.points


def _forecast(forecaster: Forecaster, window: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """[1, HORIZON_SLOTS] forecasts in ms of a window [w], and whose they are: the naive rule's where need be."""
    try:
        rtt_ms, own = points_or_naive(forecaster, Paths.bare(window[None]), HORIZON_SLOTS)
    except ModelError as e:
        log.error("a model failed; the naive forecast answers", extra={"model": forecaster.name, "why": e})
        return NAIVE.forecast(Paths.bare(window[None]), HORIZON_SLOTS).rtt_ms, NAIVE.name
    return rtt_ms, forecaster.name if own[0] else NAIVE.name


def split_pair(pair: str, nodes: Any) -> tuple[str, str]:
    """The two nodes of `<a>2<b>`, where names may hold the digit 2 themselves; raises Unknown."""
    cuts = [(pair[:i], pair[i + 1 :]) for i, c in enumerate(pair) if c == "2"]
    found = [(a, b) for a, b in cuts if a in nodes and b in nodes and a != b]
    if not found:
        raise Unknown(f"pair {pair!r} names no two known nodes; expected NODE2NODE, such as master2node1")
    if len(found) > 1:
        readings = " or ".join(f"{a} and {b}" for a, b in found)
        raise Unknown(f"pair {pair!r} is ambiguous: {readings}")
    return found[0]


def _latency(body: dict[str, Any]) -> NDArray[np.float64]:
    """The window; null is a gap, as a lost ping was never in the old windows."""
    raw = body.get("latency")
    if not isinstance(raw, list):
        raise BadRequest("latency is missing; expected a list of milliseconds, oldest first")
    if len(raw) > LONGEST:
        raise BadRequest(f"latency has {len(raw)} samples; at most {LONGEST} are read")
    return np.array([_sample(v, i) for i, v in enumerate(raw)], dtype=np.float64)


def _sample(value: Any, index: int) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadRequest(f"latency[{index}] is {value!r}; expected milliseconds")
    if not 0 <= value <= MAX_RTT_MS:
        raise BadRequest(f"latency[{index}] is {value}; an RTT is from 0 to {MAX_RTT_MS:.0f} ms")
    return float(value)


def _sla(body: dict[str, Any]) -> float:
    raw = body.get("sla_time")
    try:
        sla_ms = float(raw) if not isinstance(raw, bool) and raw is not None else math.nan
    except (TypeError, ValueError, OverflowError):
        sla_ms = math.nan
    if not 0 < sla_ms < MAX_SLA_MS:
        raise BadRequest(f"sla_time is {str(raw)[:40]!r}; expected milliseconds above 0, as a number or as text")
    return sla_ms
