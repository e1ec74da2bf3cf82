"""A recorded decision in words: what the pod asked for, what came of it, and why this node."""

from collections.abc import Mapping
from typing import Any

from neilats.commands import cells

__all__ = ["bound", "grouped", "intent", "verdict", "why"]

Decision = Mapping[str, Any]


def intent(decision: Decision) -> str:
    """What the pod asked for."""
    wish = decision["intent"]
    peers = [*wish["peer_nodes"], *(f"service {s}" for s in wish["peer_services"])]
    peers += [f"pods {wish['peer_pods']}"] if wish["peer_pods"] else []
    sla = f"within {wish['max_rtt_ms']:g} ms of" if wish["max_rtt_ms"] is not None else "near"
    policy = f" ({wish['policy']})" if len(peers) > 1 or len(decision["peers"]) > 1 else ""
    mode = "must be" if wish["mode"] == "require" else "prefers to be"
    old = ", by the old labels" if wish["legacy"] else ""
    mistakes = f"; MISTAKES: {'; '.join(wish['mistakes'])}" if wish["mistakes"] else ""
    return f"{mode} {sla} {', '.join(peers) or '(no peer)'}{policy}{old}{mistakes}"


def verdict(decision: Decision) -> str:
    """What the extender answered."""
    count, refused = decision["candidates"], len(decision["failed"])
    again = f", asked {decision['attempts']} times" if decision["attempts"] > 1 else ""
    texts: Mapping[str, str] = {
        "scored": f"{count} candidates scored",
        "filtered": f"{refused} of {count} candidates refused",
        "passed": f"none of {count} candidates refused",
        "neutral": f"neutral: all {count} candidates alike",
    }
    outcome = str(decision["outcome"])
    reason = f" ({decision['reason']})" if decision["reason"] else ""
    return texts.get(outcome, outcome) + again + reason


def why(decision: Decision) -> list[str]:
    """The best node, and the next one."""
    rows, sla_ms = decision["nodes"], decision["intent"]["max_rtt_ms"]
    if decision["outcome"] != "scored" or not rows:
        return ["no node was preferred"]
    best = [row for row in rows if row["score"] == rows[0]["score"]]
    others = [row for row in rows if row["score"] != rows[0]["score"]]
    if not others:
        return [f"no node was preferred: all scored {rows[0]['score']}"]
    # Among equals the scheduler's pick is what is to be explained.
    first = next((row for row in best if row["node"] == decision["node"]), best[0])
    equals = f", like {_names([r['node'] for r in best if r is not first])}" if len(best) > 1 else ""
    return [
        f"{first['node']} scored {first['score']}{equals}: {_measured(first, sla_ms)}",
        f"{others[0]['node']} came next with {others[0]['score']}: {_measured(others[0], sla_ms)}",
    ]


def _measured(row: Mapping[str, Any], sla_ms: float | None) -> str:
    text = cells.expected(dict(row), sla_ms)
    if len(row["paths"]) != 1:
        return text
    path = row["paths"][0]
    if path["direction"] == "self":
        return "it is the peer itself"
    if row["status"] == "unknown":
        return text
    if path["direction"] == "estimate":
        return f"{text} (not measured; estimated {cells.ms(path['estimate_ms'])} ms, likely {cells.likely(path)})"
    last = cells.ms(path["last_ms"])
    return f"{text} (median {cells.ms(path['median_ms'])} ms, last {last}{'' if last == 'lost' else ' ms'})"


def bound(decision: Decision) -> str:
    """Where the pod went, as far as the extender saw it."""
    node = decision["node"]
    if decision["deleted"]:
        return "deleted before it was bound"
    if node is None:
        return "not seen to be bound"
    if decision["outvoted"]:
        scores = {row["node"]: row["score"] for row in decision["nodes"]}
        top = max(scores.values())
        return f"{node}, OUTVOTED: it scored {scores[node]}, the best {top}; other scheduler plugins weighed more"
    return str(node)


def grouped(failed: Mapping[str, str], most: int) -> list[str]:
    """The refused nodes by reason, the most frequent first; long lists of names are cut."""
    by_reason: dict[str, list[str]] = {}
    for node, reason in failed.items():
        by_reason.setdefault(reason, []).append(node)
    groups = sorted(by_reason.items(), key=lambda group: -len(group[1]))
    return [f"{len(nodes)} {_plural(len(nodes))}: {reason}: {_names(nodes, most)}" for reason, nodes in groups]


def _plural(count: int) -> str:
    return "node" if count == 1 else "nodes"


def _names(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
