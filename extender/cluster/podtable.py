"""The pods of a namespace, kept as counts: how many with which labels and owner are on which node."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from extender.intents import Pod
from extender.selectors import Selector

__all__ = ["PodListener", "PodTable"]

_Labels = frozenset[tuple[str, str]]


class PodListener(Protocol):
    """Told about every pod that passes through a table."""

    def saw(self, pod: Pod) -> None:
        """A pod as it now is, or as it last was with `deleted`."""

    def begin_list(self) -> int:
        """A list begins; the number marks its beginning."""

    def listed(self, namespace: str, uids: set[str], mark: int) -> bool:
        """These are all the pods that the namespace had in a list begun at the mark; False asks for another list."""


@dataclass(slots=True)
class _Group:
    """Pods with equal labels: a Deployment's ten thousand pods are one group with a few counts."""

    labels: Mapping[str, str]
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)  # (node, owner)


class PodTable:
    """Pods on nodes by label; those that are unbound, finished or leaving are only shown to the listener."""

    def __init__(self, namespace: str, listener: PodListener) -> None:
        self._namespace, self._listener = namespace, listener
        self._list_mark = 0
        self._groups: dict[_Labels, _Group] = {}
        self._places: dict[str, tuple[_Labels, str, str]] = {}  # by uid: labels, node, owner

    def nodes_of(self, selector: Selector, asking: Pod) -> Counter[str]:
        """Matching pods by node, without the asking pod and its siblings."""
        found: Counter[str] = Counter()
        for group in self._groups.values():
            if selector.matches(group.labels):
                for (node, owner), count in group.counts.items():
                    if not owner or owner != asking.owner:
                        found[node] += count
        self._leave_out(asking, selector, found)
        return +found

    def _leave_out(self, asking: Pod, selector: Selector, found: Counter[str]) -> None:
        """Take the asking pod off the counts where it is counted: bound already, and with no owner to tell it by."""
        labels, node, owner = self._places.get(asking.uid, (frozenset(), "", ""))
        if node and (not owner or owner != asking.owner) and selector.matches(self._groups[labels].labels):
            found[node] -= 1

    def begin(self) -> None:
        """A list begins: pods that are followed from now on may be missing in it."""
        self._list_mark = self._listener.begin_list()

    def put(self, raw: Mapping[str, Any]) -> str:
        """A pod as it now is."""
        pod = Pod.from_json(raw, annotations=False)
        if not pod.uid:
            raise ValueError(f"pod {pod.namespace}/{pod.name}: metadata.uid is missing")
        self._forget(pod.uid)
        if pod.occupies:
            labels = frozenset(pod.labels.items())
            self._groups.setdefault(labels, _Group(pod.labels)).counts[pod.node, pod.owner] += 1
            self._places[pod.uid] = (labels, pod.node, pod.owner)
        self._listener.saw(pod)
        return pod.uid

    def drop(self, raw: Mapping[str, Any]) -> None:
        """A pod that is gone."""
        pod = Pod.from_json({**raw, "metadata": {**raw["metadata"], "deletionTimestamp": "now"}}, annotations=False)
        self._forget(pod.uid)
        self._listener.saw(pod)

    def retain(self, keys: set[str]) -> bool:
        """Only these pods are left."""
        for uid in self._places.keys() - keys:
            self._forget(uid)
        return self._listener.listed(self._namespace, keys, self._list_mark)

    def _forget(self, uid: str) -> None:
        if (place := self._places.pop(uid, None)) is None:
            return
        labels, node, owner = place
        counts = self._groups[labels].counts
        counts[node, owner] -= 1
        if not counts[node, owner]:
            del counts[node, owner]
        if not counts:
            del self._groups[labels]
