"""The first pod of a peer that nobody asked for before, among 5,000 candidates whose windows are full.

Two times are taken from the beginning of its prioritize call: when the answer is there, which must rest on the
network's forecasts of all paths, and when `explain` also has the ADF scores and forecasts of all. The second is found
without disturbing what it measures: each new peer is looked at once, after a delay that comes nearer to the moment
sought by halves.
"""

import json
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from bench.client import Connection, request
from bench.feeding import Peers
from bench.floor import Floor, floor_ms
from bench.objects import addresses, args, node_names, pod_json
from bench.options import Options
from bench.processes import Extender, extender, null_extender
from bench.running import say
from bench.timing import BenchError, Row
from bench.webhooks import intent, verify_scores

__all__ = ["Search", "rows"]

CANDIDATES = 5000
TARGET_MS = 80.0
LATE = 'neilats_extender_forecast_cache_total{outcome="late"}'
LONGEST_MS = 2000.0
ANALYSED = ("adf_score", "forecast_ms", "violation_model")


@dataclass
class Search:
    """Halves the time between a delay after which it was too early and one after which all was there (ms)."""

    early: float = 0.0
    there: float = LONGEST_MS

    def delay(self, answered_ms: float) -> float:
        """When to look next: not before the answer."""
        self.early = max(self.early, min(answered_ms, self.there))
        return (self.early + self.there) / 2

    def saw(self, delay: float, *, there: bool) -> None:
        """What was found after a delay. One that contradicts an earlier finding counts too: it widens nothing."""
        if there:
            self.there = min(self.there, delay)
        else:
            self.early = max(self.early, min(delay, self.there))


def rows(options: Options) -> Iterator[Row]:
    """Answer, and everything in explain."""
    count = 4 if options.quick else 10
    names = node_names(CANDIDATES)
    peer_names = [names[i * CANDIDATES // (count + 1)] for i in range(count + 1)]
    with ExitStack() as stack:
        null = stack.enter_context(Connection(stack.enter_context(null_extender(options.null_program()))))
        ours = stack.enter_context(extender(addresses(names)))
        peers = Peers(ours.api, peer_names, names)
        stack.callback(peers.close)
        peers.fill()
        webhooks = stack.enter_context(Connection(ours.webhooks))
        _first(ours, webhooks, null, peer_names[0], names, 0.0)  # the process's own first call is none of a peer's
        answers: list[float] = []
        nulls: list[float] = []
        late, search = 0.0, Search()
        for peer in peer_names[1:]:
            answer_ms, null_ms, missed, delay, there = _first(
                ours, webhooks, null, peer, names, search.delay(answers[-1] if answers else 0.0)
            )
            search.saw(delay, there=there)
            say(f"  answered after {answer_ms:.0f} ms, {missed:g} late; explain after {delay:.0f} ms: {there}")
            answers.append(answer_ms)
            nulls.append(null_ms)
            late += missed
    yield from _rows(answers, nulls, late, search, floor_ms())


def _rows(answers: Sequence[float], nulls: Sequence[float], late: float, search: Search, floor: Floor) -> Iterator[Row]:
    ratios = [a / b for a, b in zip(answers, nulls, strict=True)]
    middle, null = statistics.median(answers), statistics.median(nulls)
    share = late / CANDIDATES / len(answers)
    limit = f"the network alone takes {floor.violations:.0f} ms on both cores"
    if late:
        limit += f", and {share:.0%} of the forecasts were not ready in time and answered naively"
    yield Row(
        f"first pod of a peer, {CANDIDATES:,} candidates: answer", middle, "null, prioritize", null,
        f"<= {TARGET_MS:g} ms, all by the network", middle <= TARGET_MS and not late, ratios=ratios, limit=limit,
        details={"late": late},
    )  # fmt: skip
    yield Row(
        f"first pod of a peer, {CANDIDATES:,} candidates: ADF and forecasts in explain", search.there,
        "null, prioritize", null, f"<= {TARGET_MS:g} ms", search.there <= TARGET_MS,
        limit=f"between {search.early:.0f} and {search.there:.0f} ms, of which computing alone takes "
        f"{floor.together:.0f} on both cores: violations {floor.violations:.0f}, points {floor.points:.0f}, ADF "
        f"{floor.adf:.0f}", details={"early_ms": search.early, "floor_ms": floor._asdict()},
    )  # fmt: skip


def _first(
    ours: Extender, webhooks: Connection, null: Connection, peer: str, names: Sequence[str], delay_ms: float
) -> tuple[float, float, float, float, bool]:
    """Milliseconds of our answer and the null extender's, how many forecasts were late, after how many milliseconds
    explain was asked, and whether all was there."""
    name = f"first-{peer}"
    message = request("/scheduler/prioritize", args(pod_json(name, intent(peer, require=False)), names))
    null_ms = null.call(message).ms
    late = ours.metrics()[LATE]
    time.sleep(0.3)  # what scraping and earlier looks left behind is not this peer's
    began = time.perf_counter()
    answer = webhooks.call(message)
    delay_ms = max(delay_ms, answer.ms)
    time.sleep(max(0.0, delay_ms / 1000 - (time.perf_counter() - began)))
    delay_ms = (time.perf_counter() - began) * 1000
    explained = json.loads(ours.get(f"/v1/decisions/shop/{name}"))["decisions"][0]
    if answer.status != 200 or explained["outcome"] != "scored":
        raise BenchError(f"the first pod of {peer} was not scored: {answer.status}, {explained['reason']}")
    verify_scores(answer.body, names)
    return answer.ms, null_ms, ours.metrics()[LATE] - late, delay_ms, _analysed(explained["nodes"], peer)


def _analysed(nodes: Sequence[dict[str, object]], peer: str) -> bool:
    """Whether ADF and both forecasts of all measured paths are there; the peer itself has no path to itself."""
    paths = [path for row in nodes if row["node"] != peer for path in row["paths"]]  # type: ignore[attr-defined]
    return all(path.get(name) is not None for path in paths for name in ANALYSED)
