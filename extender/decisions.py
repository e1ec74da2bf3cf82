"""What was decided for which pod and why: a bounded ring, completed with the node that the pod got in the end."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from extender.intents import Intent
from extender.pods import Pod
from extender.scoretable import ScoreTable
from extender.standingtable import StandingTable

__all__ = ["Decision", "Decisions", "Table", "intent_json"]

Table: TypeAlias = ScoreTable | StandingTable


@dataclass
class Decision:
    """One scheduling attempt of one pod, filter and prioritize together."""

    number: int
    time: float
    pod: Pod
    intent: Intent
    shadow: bool
    outcome: str = ""
    """`scored`, `filtered` (nodes were refused), `passed` (none was), or `neutral`."""
    reason: str = ""
    """Why it is neutral, or what the intent's mistakes are."""
    peers: Sequence[str] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    candidates: int = 0
    table: Table | None = None
    """The numbers of every candidate that was scored."""
    attempts: int = 1
    filter_called: bool = False
    """Whether filter was called for the attempt that prioritize has not ended yet."""
    unfiltered: int = 0
    """Attempts since the pod's last filter call, in which only prioritize was called."""
    not_filtered: bool = False
    """Whether kube-scheduler seems never to call filter, although the pod requires it."""
    node: str | None = None
    deleted: bool = False

    @property
    def outvoted(self) -> bool | None:
        """Whether the pod went to another node than one that scored best; None while that is open."""
        if self.node is None or self.outcome == "neutral" or self.table is None:
            return None
        return self.table.outvoted(self.node, self.failed)

    def as_json(self) -> dict[str, Any]:
        """The whole record."""
        return {
            "number": self.number,
            "time": self.time,
            "namespace": self.pod.namespace,
            "pod": self.pod.name,
            "uid": self.pod.uid,
            "intent": intent_json(self.intent),
            "outcome": self.outcome,
            "reason": self.reason,
            "shadow": self.shadow,
            "peers": list(self.peers),
            "candidates": self.candidates,
            "attempts": self.attempts,
            "failed": dict(self.failed),
            "nodes": self.table.rows() if self.table else [],
            "node": self.node,
            "deleted": self.deleted,
            "outvoted": self.outvoted,
        }


class Decisions:
    """The last decisions, newest last, bounded in number and in the node rows that they hold together."""

    def __init__(self, kept: int, clock: Callable[[], float], rows_kept: int = 200_000) -> None:
        self._kept, self._rows_kept, self._clock = kept, rows_kept, clock
        self._ring: OrderedDict[int, Decision] = OrderedDict()
        self._latest: dict[str, int] = {}
        self._counted: dict[int, int] = {}
        self._rows = 0
        self._number = 0

    def __len__(self) -> int:
        return len(self._ring)

    def begin(self, pod: Pod, intent: Intent, shadow: bool) -> Decision:
        """The record for a new attempt: the pod's last one, while it is unbound and wants the same, else a new one."""
        current = self._open(pod, intent)
        if current is not None:
            current.attempts += 1
            current.time, current.pod = self._clock(), pod
            return current
        self._number += 1
        return Decision(self._number, self._clock(), pod, intent, shadow)

    def resume(self, pod: Pod, intent: Intent, shadow: bool) -> Decision:
        """The record that the attempt's filter call began, or that of a new attempt where nothing was filtered."""
        current = self._open(pod, intent)
        if current is not None and current.outcome in ("filtered", "passed"):
            return current
        return self.begin(pod, intent, shadow)

    def _open(self, pod: Pod, intent: Intent) -> Decision | None:
        """The pod's last record while it waits for a node; a pod whose intent was changed begins anew."""
        current = self.latest(pod)
        return current if current is not None and current.node is None and current.intent == intent else None

    def keep(self, decision: Decision) -> None:
        """Put a finished record in, or note that it has grown."""
        rows = decision.candidates * max(1, len(decision.peers))
        self._rows += rows - self._counted.get(decision.number, 0)
        self._counted[decision.number] = rows
        self._ring[decision.number] = decision
        self._latest[_key(decision.pod)] = decision.number

    def shed(self) -> None:
        """Drop the oldest records above the bounds; not in `keep`, as it takes a while to free all their numbers."""
        while len(self._ring) > self._kept or (self._rows > self._rows_kept and len(self._ring) > 1):
            self._drop(next(iter(self._ring)))

    def __contains__(self, decision: Decision) -> bool:
        return decision.number in self._ring

    def _drop(self, number: int) -> None:
        gone = self._ring.pop(number)
        self._rows -= self._counted.pop(number)
        if self._latest.get(_key(gone.pod)) == number:
            del self._latest[_key(gone.pod)]

    def latest(self, pod: Pod) -> Decision | None:
        """The pod's last record."""
        number = self._latest.get(_key(pod))
        return None if number is None else self._ring.get(number)

    def bound(self, pod: Pod) -> Decision | None:
        """Note where a pod went, or that it was deleted; returns its record if there is one."""
        decision = self.latest(pod)
        if decision is not None and decision.node is None:
            decision.node, decision.deleted = pod.node or None, pod.deleted and not pod.node
            return decision
        return None

    def __iter__(self) -> Iterator[Decision]:
        return reversed(self._ring.values())

    def of_pod(self, namespace: str, name: str) -> list[Decision]:
        """All records of a pod, newest first."""
        return [d for d in self if d.pod.namespace == namespace and d.pod.name == name]


def _key(pod: Pod) -> str:
    return pod.uid or f"{pod.namespace}/{pod.name}"


def intent_json(intent: Intent) -> dict[str, Any]:
    """What the pod asked for."""
    return {
        "peer_nodes": list(intent.peer_nodes),
        "peer_services": [f"{ns}/{name}" for ns, name in intent.peer_services],
        "peer_pods": None if intent.peer_pods is None else str(intent.peer_pods),
        "policy": intent.policy,
        "max_rtt_ms": intent.max_rtt_ms,
        "mode": intent.mode,
        "on_unknown": intent.on_unknown,
        "profile": intent.profile,
        "legacy": intent.legacy,
        "mistakes": list(intent.mistakes),
    }
