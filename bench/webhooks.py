"""kube-scheduler's calls to the real extender and to the null one, call by call in turn, with real scores.

For every pod both are asked filter, then prioritize, by the same client over a kept-alive connection each. Half of the
pods require and half prefer, each has a uid of its own and one of four peers, and the candidates come in another order
each time. Between the calls the peers' probers report, so that windows move on while they are asked for.
Prioritize gets all candidates, also those that filter refused, so that all calls have the same size.
"""

import json
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from bench.client import Answer, Connection, request
from bench.feeding import Peers
from bench.objects import addresses, args, node_json, node_names, pod_json
from bench.options import Options
from bench.processes import Extender, extender, null_extender
from bench.running import say
from bench.timing import BenchError, Row, percentile

__all__ = ["SLA_MS", "Calls", "Kinds", "intent", "measure", "peers_of", "rows_of", "verify_scores"]

SLA_MS = 20.0
"""About one path in ten is slower than that."""

PEERS = 4
OURS, NULL = "ours", "null"
KINDS = {"filter, require": 0, "filter, prefer": 1, "prioritize": None}

Kinds = dict[str, dict[str, list[list[float]]]]
"""Milliseconds by kind of call and server, a list for each repetition."""


@dataclass(frozen=True)
class Calls:
    """What is measured: how many candidates, in which form, and how often."""

    size: int
    whole_nodes: bool
    repetitions: int
    pods: int
    """In each repetition; half of them require."""


@dataclass
class _Stage:
    """Both servers, what feeds ours, and the calls' parts."""

    ours: Extender
    connections: Mapping[str, Connection]
    peers: Peers
    peer_names: Sequence[str]
    names: Sequence[str]
    nodes: Mapping[str, bytes] | None
    asked: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)

    def ask(self, server: str, verb: str, pod: dict[str, Any]) -> float:
        """Milliseconds of a call; its answer is kept until the next."""
        turn = (self.asked * 37) % len(self.names)
        names = [*self.names[turn:], *self.names[:turn]]
        message = request(f"/scheduler/{verb}", args(pod, names, self.nodes))
        answer = self.connections[server].call(message)
        if answer.status != 200:
            raise BenchError(f"{server}: {verb} was answered with {answer.status}: {answer.body[:300]!r}")
        self.answers[f"{server} {verb}"] = answer
        return answer.ms


def peers_of(names: Sequence[str]) -> list[str]:
    """The nodes that pods want to be near to."""
    return [names[len(names) * i // PEERS] for i in range(PEERS)]


def intent(peer: str, *, require: bool) -> dict[str, str]:
    """A pod's annotations."""
    return {
        "neilats.io/peer-nodes": peer,
        "neilats.io/max-rtt-ms": f"{SLA_MS:g}",
        "neilats.io/mode": "require" if require else "prefer",
    }


def measure(calls: Calls, options: Options) -> Kinds:
    """Both servers' times; raises BenchError where an answer of ours had no real scores.

    More than 5,000 whole nodes are above the default of `webhook_max_mib`.
    """
    names = node_names(calls.size)
    nodes = {n: json.dumps(node_json(n), separators=(",", ":")).encode() for n in names} if calls.whole_nodes else None
    with ExitStack() as stack:
        null = stack.enter_context(null_extender(options.null_program()))
        ours = stack.enter_context(extender(addresses(names), webhook_max_mib=max(40.0, calls.size / 100)))
        peer_names = peers_of(names)
        peers = Peers(ours.api, peer_names, names)
        stack.callback(peers.close)
        peers.fill()
        # Opened last: the extender closes connections on which nothing was ever asked.
        connections = {
            OURS: stack.enter_context(Connection(ours.webhooks)),
            NULL: stack.enter_context(Connection(null)),
        }
        stage = _Stage(ours, connections, peers, peer_names, names, nodes)
        _warm(stage)
        return _measured(stage, calls)


def _warm(stage: _Stage, most_s: float = 60.0) -> None:
    """Ask for every peer until the forecasts are there: the first pod of a peer is measured elsewhere."""
    end = time.monotonic() + most_s
    while True:
        late = _late(stage.ours)
        for _ in range(2 * len(stage.peer_names)):
            _one_pod(stage)
        if _late(stage.ours) == late:
            return
        if time.monotonic() > end:
            raise BenchError(f"after {most_s:g} s forecasts are still late")


def _late(ours: Extender) -> float:
    return ours.metrics()['neilats_extender_forecast_cache_total{outcome="late"}']


def _one_pod(stage: _Stage) -> dict[str, dict[str, float]]:
    """Milliseconds by kind of call and server for the next pod."""
    stage.asked += 1
    number = stage.asked
    # Two pods in a row, one of each mode, have the same peer; then it is the next peer's turn.
    peer = stage.peer_names[number // 2 % len(stage.peer_names)]
    require = number % 2 == 0
    pod = pod_json(f"web-{number}", intent(peer, require=require), number)
    servers = (OURS, NULL) if number // 2 % 2 else (NULL, OURS)
    stage.peers.keep_fresh()
    filtered = {server: stage.ask(server, "filter", pod) for server in servers}
    stage.peers.keep_fresh()
    prioritized = {server: stage.ask(server, "prioritize", pod) for server in servers}
    return {"filter, require" if require else "filter, prefer": filtered, "prioritize": prioritized}


def _measured(stage: _Stage, calls: Calls) -> Kinds:
    found: Kinds = {kind: {s: [[] for _ in range(calls.repetitions)] for s in (OURS, NULL)} for kind in KINDS}
    before, asked = stage.ours.decided(), 0
    for repetition in range(calls.repetitions):
        for _ in range(calls.pods):
            for kind, times in _one_pod(stage).items():
                for server, ms in times.items():
                    found[kind][server][repetition].append(ms)
            asked += 1
        say(f"  {calls.size:,} {'nodes' if calls.whole_nodes else 'names'}: {repetition + 1} of {calls.repetitions}")
    for verb, count in stage.ours.decided().items():
        if count - before[verb] != asked:
            raise BenchError(
                f"only {count - before[verb]:g} of {asked} {verb} calls were decided, the others answered neutrally: "
                "see neilats_extender_calls_total"
            )
    verify_scores(stage.answers["ours prioritize"].body, stage.names)
    _verify_filter(stage)
    return found


def verify_scores(body: bytes, names: Sequence[str]) -> None:
    """Every candidate has a score of 0 to 10, and they are not all alike; raises BenchError."""
    scores = {entry["Host"]: entry["Score"] for entry in json.loads(body)}
    if scores.keys() != set(names):
        raise BenchError(f"prioritize answered for {len(scores)} of {len(names)} candidates")
    if not set(scores.values()) <= set(range(11)) or len(set(scores.values())) < 3:
        raise BenchError(f"these are no real scores: {sorted(set(scores.values()))}")


def _verify_filter(stage: _Stage) -> None:
    """A pod that requires is refused some candidates and left others, together all; raises BenchError."""
    pod = pod_json("last", intent(stage.peer_names[0], require=True), 0)
    stage.ask(OURS, "filter", pod)
    found = json.loads(stage.answers["ours filter"].body)
    if stage.nodes is None:
        kept = set(found["NodeNames"])
    else:
        kept = {node["metadata"]["name"] for node in found["Nodes"]["items"]}
    failed = set(found["FailedNodes"] or {}) | set(found["FailedAndUnresolvableNodes"] or {})
    if not kept or not failed or kept | failed != set(stage.names):
        raise BenchError(f"filter kept {len(kept)} and refused {len(failed)} of {len(stage.names)} candidates")


def rows_of(calls: Calls, targets: Mapping[str, float], options: Options, *, p99: float | None = None) -> Iterator[Row]:
    """A row for each kind of call with its target against the null extender; `p99` is the target of the tail."""
    found = measure(calls, options)
    what = f"{calls.size:,} {'whole nodes' if calls.whole_nodes else 'names'}"
    for kind, times in found.items():
        target = targets[kind]
        yield _row(f"{kind}, {what}, p50", times, target)
        if p99 is not None:
            yield _tail(f"{kind}, {what}, p99", times, p99)


def _row(figure: str, times: Mapping[str, list[list[float]]], target: float) -> Row:
    ours, null = ([statistics.median(part) for part in times[server]] for server in (OURS, NULL))
    ratios = [a / b for a, b in zip(ours, null, strict=True)]
    return Row(
        figure, statistics.median(ours), "null, p50", statistics.median(null), f"<= {target:g} x null",
        statistics.median(ratios) <= target, ratios=ratios,
        details={"calls": len(_all(times[OURS]))} | {f"{s}_p99_ms": percentile(_all(times[s]), 99) for s in times},
    )  # fmt: skip


def _tail(figure: str, times: Mapping[str, list[list[float]]], target: float) -> Row:
    """The p99 of all calls together, because a repetition has too few for one of its own."""
    p99, p50 = (percentile(_all(times[OURS]), percent) for percent in (99, 50))
    null = percentile(_all(times[NULL]), 99) / percentile(_all(times[NULL]), 50)
    return Row(
        figure, p99, "its own p50", p50, f"<= {target:g} x its own p50", p99 <= target * p50,
        limit=f"the null extender's: {null:.1f} x its own p50",
    )  # fmt: skip


def _all(parts: Sequence[Sequence[float]]) -> list[float]:
    return [value for part in parts for value in part]
