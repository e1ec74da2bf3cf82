"""How a promise stands on a node, by the judgement that the filter uses, and the words for it."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from extender.cluster.base import Resolution
from extender.gather import RecentPaths
from extender.intents import Intent
from extender.placed.standing import Finding, State
from extender.promises import breaks
from extender.verdicts import Verdict, judge
from extender.windows import as_stored
from scoring.promise import mean_of_last

__all__ = ["findings", "invalid", "without_peers"]

_STATES: Final[dict[int, State]] = {
    Verdict.KEEPS: "kept",
    Verdict.BREAKS: "broken",
    Verdict.UNMEASURED: "unmeasured",
}

Gather = Callable[[str, Sequence[str]], RecentPaths]
"""The paths from candidates to a peer."""


def invalid(intent: Intent) -> Finding:
    """Nothing can be promised to a pod whose intent is wrong."""
    return Finding("unmeasured", reason=f"invalid latency intent: {'; '.join(intent.mistakes)}")


def without_peers(resolution: Resolution) -> Finding | None:
    """Why nothing can be judged yet, if so."""
    if resolution.pending:
        return Finding("unmeasured", reason=f"still reading {resolution.pending}")
    return None if resolution.nodes else Finding("unmeasured", reason=resolution.unresolved)


def findings(intent: Intent, resolution: Resolution, nodes: Sequence[str], gather: Gather) -> dict[str, Finding]:
    """How the promise stands on each of these nodes; the resolution must have nodes."""
    gathered = {peer: gather(peer, nodes) for peer in resolution.nodes}
    verdicts = judge(intent, list(gathered.values()), resolution.weights)
    found = {}
    peers = [resolution.nodes[k] for k in verdicts.pick.tolist()]
    for i, (node, peer, code) in enumerate(zip(nodes, peers, verdicts.codes.tolist(), strict=True)):
        state, text = _STATES[code], _text(intent, Verdict(code), peer, node, gathered[peer].recent[i])
        if state == "kept" and intent.policy == "all" and resolution.unresolved:
            state, text = "unmeasured", resolution.unresolved  # no promise to all peers without knowing them all
        found[node] = Finding(state, resolution.nodes, text + _of_several(intent, resolution))
    return found


def _of_several(intent: Intent, resolution: Resolution) -> str:
    count = len(resolution.nodes)
    return f"; {intent.policy} of {count} peer nodes" if count > 1 else ""


def _text(intent: Intent, verdict: Verdict, peer: str, node: str, recent: NDArray[np.float64]) -> str:
    """What decided, in words that begin as the filter's do."""
    if verdict == Verdict.UNMEASURED:
        return f"path to {peer} is unmeasured"
    if node == peer:
        return breaks(intent, peer, node) if verdict == Verdict.BREAKS else f"runs on its peer {peer}"
    numbers = _mean(recent) if intent.legacy else _shares(intent, verdict, recent[~np.isnan(recent)])
    said = breaks(intent, peer, node) if verdict == Verdict.BREAKS else f"path to {peer} keeps {intent.max_rtt_ms:g} ms"
    return f"{said}: {numbers}"


def _mean(recent: NDArray[np.float64]) -> str:
    return f"the mean of the last {len(recent)} samples is {float(mean_of_last(recent[None])[0]):.3g} ms"


def _shares(intent: Intent, verdict: Verdict, samples: NDArray[np.float64]) -> str:
    """How many samples are on the verdict's side, and around which median."""
    sla_ms = np.inf if intent.max_rtt_ms is None else as_stored(intent.max_rtt_ms)
    within = int((np.isfinite(samples) & (samples <= sla_ms)).sum())
    count, side = (len(samples) - within, "above") if verdict == Verdict.BREAKS else (within, "within")
    lost = int(np.isinf(samples).sum())
    answered = samples[np.isfinite(samples)]
    if not len(answered):
        return f"{count} of {len(samples)} recent samples {side} (all lost)"
    median = f"median {float(np.median(answered)):.3g} ms" + (f", {lost} lost" if lost else "")
    return f"{count} of {len(samples)} recent samples {side} ({median})"
