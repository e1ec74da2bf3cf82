"""kube-scheduler's three calls: take apart, decide, put together."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec
from aiohttp import web

from extender.answers import encode_filter, encode_priorities, pass_all
from extender.calls import PREFIX, Call, Decided
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


class Webhooks:
    """The handlers of the loopback listener; `calls` has them by path, for bodies of at most `max_bytes`."""

    def __init__(self, decider: Decider, metrics: Metrics, max_bytes: int) -> None:
        self._decider, self._metrics, self.max_bytes = decider, metrics, max_bytes
        self._pods = PodReader()
        verbs = {"filter": self._filter, "prioritize": self._prioritize, "preempt": self._preempt}
        paths = {f"{PREFIX}{name}": (name, verb) for name, verb in verbs.items()}
        first = decider.calls
        self.calls = {path: Call(path, verb, partial(self._count, name), first) for path, (name, verb) in paths.items()}

    def routes(self) -> list[web.RouteDef]:
        """The routes below /scheduler."""
        return [web.post(path, self._handler(call)) for path, call in self.calls.items()]

    def _handler(self, call: Call) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            began, outcome = time.perf_counter(), "error"
            try:
                decided = call.decide(await large_body(request, self.max_bytes))
                body, outcome = decided if isinstance(decided, tuple) else await decided
                return await json_pieces(request, body)
            finally:  # what goes wrong becomes JSON, and a line in the log, in `extender.http`
                asyncio.get_running_loop().call_soon(call.count, outcome, time.perf_counter() - began)

        return handle

    def _count(self, name: str, outcome: str, seconds: float) -> None:
        self._metrics.calls.labels(name, outcome).inc()
        self._metrics.call_seconds.labels(name).observe(seconds)

    def _filter(self, body: bytes | memoryview) -> Decided | Awaitable[Decided]:
        with self._decider.calls:
            args = decode_args(body, self._pods.reads)
            pod, intent = self._read(args.raw_pod)
            known = None if intent is None or args.raw_names is None else self._listed(args.raw_names)
            if known is None:
                args.check()
            answer = self._decider.passed(pod, intent)
        if answer is None and intent is not None:
            return self._filtered(args, pod, intent)
        if intent is not None and known is None and args.raw_names is not None:
            # prioritize will want to know which nodes these are
            asyncio.get_running_loop().call_soon(self._candidates, args)
        return pass_all(args), answer.outcome if answer else "passed"

    async def _filtered(self, args: ExtenderArgs, pod: Pod, intent: Intent) -> Decided:
        with self._decider.calls:
            candidates = self._candidates(args)
            answer = await self._decider.filter(pod, intent, candidates)
            return encode_filter(args, candidates, answer.failed), answer.outcome

    async def _prioritize(self, body: bytes | memoryview) -> Decided:
        with self._decider.calls:
            args = decode_args(body, self._pods.reads)
            pod, intent = self._read(args.raw_pod)
            candidates = self._candidates(args)
            answer = await self._decider.prioritize(pod, intent, candidates)
            return encode_priorities(candidates, answer.scores), answer.outcome

    async def _preempt(self, body: bytes | memoryview) -> Decided:
        args = decode_preemption(bytes(body))
        pod, intent = self._read(args.raw_pod)
        candidates = self._decider.scorer.standings.candidates(list(args.victims))
        with self._decider.calls:
            answer = await self._decider.preempt(pod, intent, candidates)
        kept = {node: v for node, v in args.victims.items() if node not in answer.failed}
        return (encode_preemption(kept),), answer.outcome

    def _candidates(self, args: ExtenderArgs) -> Candidates:
        standings = self._decider.scorer.standings
        if args.raw_names is None:
            return standings.candidates(args.names)
        if (candidates := self._listed(args.raw_names)) is None:
            candidates = standings.candidates(args.names)
            standings.lists.keep(bytes(args.raw_names), candidates)
        return candidates

    def _listed(self, names: Json) -> Candidates | None:
        return self._decider.scorer.standings.listed(bytes(names))

    def _read(self, raw: Json) -> tuple[Pod, Intent | None]:
        try:
            return self._pods.read(bytes(raw))
        except (PodError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
            raise BadRequest(f"Pod: {e}") from e
