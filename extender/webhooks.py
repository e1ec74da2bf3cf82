"""kube-scheduler's three calls: take apart, decide, put together."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from aiohttp import web

from extender.answers import Body, encode_filter, encode_priorities, pass_all
from extender.candidates import Candidates
from extender.decide import Decider
from extender.errors import BadRequest
from extender.http import json_pieces, large_body
from extender.intents import Intent
from extender.metrics import Metrics
from extender.podreader import PodReader
from extender.pods import Pod, PodError
from extender.wire import ExtenderArgs, Json, decode_args, decode_preemption, encode_preemption

__all__ = ["Webhooks"]

PREFIX: Final = "/scheduler"

Verb = Callable[[bytes | memoryview], Awaitable[tuple[Body, str]]]


class Webhooks:
    """The handlers of the loopback listener."""

    def __init__(self, decider: Decider, metrics: Metrics, max_bytes: int) -> None:
        self._decider, self._metrics, self._max_bytes = decider, metrics, max_bytes
        self._pods = PodReader()

    def routes(self) -> list[web.RouteDef]:
        """The routes below /scheduler."""
        verbs: dict[str, Verb] = {"filter": self._filter, "prioritize": self._prioritize, "preempt": self._preempt}
        return [web.post(f"{PREFIX}/{name}", self._handler(name, verb)) for name, verb in verbs.items()]

    def _handler(self, name: str, verb: Verb) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            began, outcome = time.perf_counter(), "error"
            try:
                with self._decider.calls:
                    body, outcome = await verb(await large_body(request, self._max_bytes))
                    return await json_pieces(request, body)
            finally:  # what goes wrong becomes JSON, and a line in the log, in `extender.http`
                seconds = time.perf_counter() - began
                asyncio.get_running_loop().call_soon(self._count, name, outcome, seconds)

        return handle

    def _count(self, name: str, outcome: str, seconds: float) -> None:
        self._metrics.calls.labels(name, outcome).inc()
        self._metrics.call_seconds.labels(name).observe(seconds)

    async def _filter(self, body: bytes | memoryview) -> tuple[Body, str]:
        args = decode_args(body)
        pod, intent = self._read(args.raw_pod)
        args.check()
        if (answer := self._decider.passed(pod, intent)) is not None or intent is None:
            return pass_all(args), answer.outcome if answer else "passed"
        candidates = self._candidates(args)
        answer = await self._decider.filter(pod, intent, candidates)
        return encode_filter(args, candidates, answer.failed), answer.outcome

    async def _prioritize(self, body: bytes | memoryview) -> tuple[Body, str]:
        args = decode_args(body)
        pod, intent = self._read(args.raw_pod)
        candidates = self._candidates(args)
        answer = await self._decider.prioritize(pod, intent, candidates)
        return encode_priorities(candidates, answer.scores), answer.outcome

    async def _preempt(self, body: bytes | memoryview) -> tuple[Body, str]:
        args = decode_preemption(bytes(body))
        pod, intent = self._read(args.raw_pod)
        candidates = self._decider.scorer.standings.candidates(list(args.victims))
        answer = await self._decider.preempt(pod, intent, candidates)
        kept = {node: v for node, v in args.victims.items() if node not in answer.failed}
        return (encode_preemption(kept),), answer.outcome

    def _candidates(self, args: ExtenderArgs) -> Candidates:
        return self._decider.scorer.standings.candidates(args.names)

    def _read(self, raw: Json) -> tuple[Pod, Intent | None]:
        try:
            return self._pods.read(bytes(raw))
        except (PodError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
            raise BadRequest(f"Pod: {e}") from e
