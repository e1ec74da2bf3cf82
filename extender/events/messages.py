"""What events say: constant shapes, so that people can search for them."""

from collections.abc import Collection, Mapping
from typing import Final

import numpy as np

from extender.decisions import Decision, Table
from extender.gather import Direction
from extender.intents import PREFIX, Intent
from extender.quoting import shortened
from extender.scoretable import PathTable

__all__ = ["NEUTRAL", "invalid", "not_enforced", "placement"]

NEUTRAL: Final = "latency did not count"
"""Of a pod that was placed without regard to latency."""

_LONGEST: Final = 700  # characters of strangers' mistakes, so that the example stays within the message
_PEERS: Final = 3
_EXAMPLE: Final = f'{PREFIX}peer-services: "db", {PREFIX}max-rtt-ms: "5"'
_OLD_EXAMPLE: Final = 'the labels nei_node: "node-1" and sla: "5"'
_WHY: Final[Mapping[str, str]] = {
    "filter": "filter is not called, so that nodes which break the promise are not refused",
    "preempt": "preempt is not called, so that innocent pods may be evicted for a pod that no node satisfies",
}


def invalid(intent: Intent) -> str:
    """Each mistake, and the right form."""
    mistakes = shortened("; ".join(intent.mistakes), _LONGEST)
    return f"invalid latency intent: {mistakes}. A right one is, for example, {_example(intent)}"


def _example(intent: Intent) -> str:
    return _OLD_EXAMPLE if intent.legacy else _EXAMPLE


def not_enforced(verbs: Collection[str]) -> str:
    """Which verbs are missing, and why that matters."""
    missing = [verb for verb in _WHY if verb in verbs]
    remedy = " and ".join(f"{verb}Verb: {verb}" for verb in missing)
    why = "; ".join(_WHY[verb] for verb in missing)
    return f"{why}. Set {remedy} of the extender in the KubeSchedulerConfiguration"


def placement(decision: Decision) -> str:
    """Why the pod is on its node; the decision must be bound."""
    node, table = decision.node or "", decision.table
    shadow = "; shadow mode: kube-scheduler got a neutral answer instead" if decision.shadow else ""
    if decision.outcome == "neutral" or table is None:
        return f"on {node}: {NEUTRAL}: {_neutral(decision) or 'no path was measured'}{shadow}"
    if (i := table.find(node)) is None:
        return f"on {node}: kube-scheduler did not ask about this node{shadow}"
    return f"on {node}: {_chosen(decision, table, node, i)}{shadow}"


def _neutral(decision: Decision) -> str:
    """The reason, without the word under which a neutral answer is counted."""
    return decision.reason.partition(": ")[2] if decision.outcome == "neutral" else decision.reason


def _chosen(decision: Decision, table: Table, node: str, i: int) -> str:
    scores = table.evaluation.scores
    parts = [f"{_paths(table, node, i)}{_promise(table)}, score {scores[i]} of 10, profile {table.profile}"]
    if refused := len(decision.failed):
        parts.append(f"{refused} of {decision.candidates} nodes refused")
    if (best := _best_other(decision, table, i)) is not None:
        said = "outvoted by other scheduler plugins, best was" if scores[best] > scores[i] else "next best"
        parts.append(f"{said} {table.name(best)} ({scores[best]})")
    return "; ".join(parts)


def _best_other(decision: Decision, table: Table, chosen: int) -> int | None:
    """The first of the best candidates besides the chosen one that were not refused."""
    ranked = np.argsort(-table.evaluation.scores, kind="stable").tolist()
    return next((i for i in ranked if i != chosen and table.name(i) not in decision.failed), None)


def _promise(table: Table) -> str:
    return "" if table.sla_ms is None else f" (promise {table.sla_ms:g} ms)"


def _paths(table: Table, node: str, i: int) -> str:
    told = [_path(path, node) for path in table.paths_of(i, _PEERS)]
    more = table.peers - len(told)
    return ", ".join(told) + (f" and {more} more" if more else "")


def _path(path: PathTable, node: str) -> str:
    """A path of one row in words."""
    if path.peer == node:
        return f"the node of its peer {path.peer}"
    if path.columns["loss"][0] == 1:
        return f"lost to {path.peer}"
    median = float(path.columns["median_ms"][0])
    if np.isnan(median) and path.direction[0] == Direction.ESTIMATE:
        return f"unmeasured to {path.peer}, estimated {path.columns['estimate_ms'][0]:.3g} ms"
    return f"unmeasured to {path.peer}" if np.isnan(median) else f"{median:.3g} ms to {path.peer}"
