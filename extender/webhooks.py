"""kube-scheduler's three calls: decode, decide, encode."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from aiohttp import web

from extender.decide import Answer, Decider
from extender.errors import BadRequest
from extender.http import bounded_body, json_response
from extender.metrics import Metrics
from extender.pods import PodError
from extender.wire import (
    decode_args,
    decode_preemption,
    encode_filter,
    encode_preemption,
    encode_priorities,
)

__all__ = ["Webhooks"]

PREFIX: Final = "/scheduler"

Verb = Callable[[bytes], Awaitable[tuple[bytes, str]]]


class Webhooks:
    """The handlers of the loopback listener."""

    def __init__(self, decider: Decider, metrics: Metrics, max_bytes: int) -> None:
        self._decider, self._metrics, self._max_bytes = decider, metrics, max_bytes

    def routes(self) -> list[web.RouteDef]:
        """The routes below /scheduler."""
        verbs: dict[str, Verb] = {"filter": self._filter, "prioritize": self._prioritize, "preempt": self._preempt}
        return [web.post(f"{PREFIX}/{name}", self._handler(name, verb)) for name, verb in verbs.items()]

    def _handler(self, name: str, verb: Verb) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            began, outcome = time.perf_counter(), "error"
            try:
                body, outcome = await verb(await bounded_body(request, self._max_bytes))
                return json_response(body)
            finally:  # what goes wrong becomes JSON, and a line in the log, in `extender.http`
                self._metrics.calls.labels(name, outcome).inc()
                self._metrics.call_seconds.labels(name).observe(time.perf_counter() - began)

        return handle

    async def _filter(self, body: bytes) -> tuple[bytes, str]:
        args = decode_args(body)
        answer = await _ask(self._decider.filter, args.pod, args.names)
        return encode_filter(args, answer.failed), answer.outcome

    async def _prioritize(self, body: bytes) -> tuple[bytes, str]:
        args = decode_args(body)
        answer = await _ask(self._decider.prioritize, args.pod, args.names)
        return encode_priorities(args.names, answer.scores), answer.outcome

    async def _preempt(self, body: bytes) -> tuple[bytes, str]:
        args = decode_preemption(body)
        answer = await _ask(self._decider.preempt, args.pod, list(args.victims))
        kept = {node: v for node, v in args.victims.items() if node not in answer.failed}
        return encode_preemption(kept), answer.outcome


async def _ask(
    decide: Callable[[Mapping[str, Any], Sequence[str]], Awaitable[Answer]],
    pod: Mapping[str, Any],
    names: Sequence[str],
) -> Answer:
    try:
        return await decide(pod, names)
    except PodError as e:
        raise BadRequest(f"Pod: {e}") from e
