"""The pods of a namespace, kept as counts: how many with which labels and owner are on which node.

A pod itself is one entry: its uid, as a number, and the spot that it shares with its siblings on the same node. That is
some 180 bytes a pod, because the pods of a large cluster must fit.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, Protocol

from extender.intents import Pod
from extender.selectors import Selector

__all__ = ["PodKey", "PodListener", "PodTable", "pod_key"]

PodKey = int | str
"""A pod's uid, as a number where it is a UUID."""

_UUID: Final = (8, 4, 4, 4, 12)
"""Digits between the dashes of a uid."""


_DIGITS: Final = frozenset("0123456789abcdef-")


class PodListener(Protocol):
    """Told about every pod that passes through a table."""

    def saw(self, pod: Pod) -> None:
        """A pod as it now is, or as it last was with `deleted`."""

    def begin_list(self) -> int:
        """A list begins; the number marks its beginning."""

    def listed(self, namespace: str, keys: set[PodKey], mark: int) -> bool:
        """These are all the pods that the namespace had in a list begun at the mark; False asks for another list."""


class _Group:
    """Pods with equal labels: a Deployment's ten thousand pods are one group, or a few after changes."""

    __slots__ = ("key", "labels", "siblings")

    def __init__(self, key: tuple[str, ...], labels: Mapping[str, str]) -> None:
        self.key, self.labels = key, labels
        self.siblings: dict[str, _Siblings] = {}  # by owner


class _Siblings:
    """Pods of a group with the same owner."""

    __slots__ = ("group", "owner", "spots")

    def __init__(self, group: _Group, owner: str) -> None:
        self.group, self.owner = group, owner
        self.spots: dict[str, _Spot] = {}  # by node


class _Spot:
    """Siblings on one node."""

    __slots__ = ("node", "pods", "siblings")

    def __init__(self, siblings: _Siblings, node: str) -> None:
        self.siblings, self.node = siblings, node
        self.pods = 0


class PodTable:
    """Pods on nodes by label; those that are unbound, finished or leaving are only shown to the listener."""

    def __init__(self, namespace: str, listener: PodListener) -> None:
        self._namespace, self._listener = namespace, listener
        self._list_mark = 0
        self._groups: dict[tuple[str, ...], _Group] = {}
        self._places: dict[PodKey, _Spot] = {}

    def nodes_of(self, selector: Selector, asking: Pod) -> Counter[str]:
        """Matching pods by node, without the asking pod and its siblings."""
        found: Counter[str] = Counter()
        for group in self._groups.values():
            if selector.matches(group.labels):
                for owner, siblings in group.siblings.items():
                    if not owner or owner != asking.owner:
                        for spot in siblings.spots.values():
                            found[spot.node] += spot.pods
        self._leave_out(asking, selector, found)
        return +found

    def _leave_out(self, asking: Pod, selector: Selector, found: Counter[str]) -> None:
        """Take the asking pod off the counts where it is counted: bound already, and with no owner to tell it by."""
        if (spot := self._places.get(pod_key(asking.uid))) is None:
            return
        owner = spot.siblings.owner
        if (not owner or owner != asking.owner) and selector.matches(spot.siblings.group.labels):
            found[spot.node] -= 1

    def begin(self) -> None:
        """A list begins: pods that are followed from now on may be missing in it."""
        self._list_mark = self._listener.begin_list()

    def put(self, raw: Mapping[str, Any]) -> PodKey:
        """A pod as it now is."""
        pod = Pod.from_json(raw, annotations=False)
        if not pod.uid:
            raise ValueError(f"pod {pod.namespace}/{pod.name}: metadata.uid is missing")
        key = pod_key(pod.uid)
        self._leave(key)
        if pod.occupies:
            self._places[key] = self._spot(pod)
        self._listener.saw(pod)
        return key

    def drop(self, raw: Mapping[str, Any]) -> None:
        """A pod that is gone."""
        pod = Pod.from_json({**raw, "metadata": {**raw["metadata"], "deletionTimestamp": "now"}}, annotations=False)
        self._leave(pod_key(pod.uid))
        self._listener.saw(pod)

    def retain(self, keys: set[PodKey]) -> bool:
        """Only these pods are left."""
        for key in self._places.keys() - keys:
            self._leave(key)
        return self._listener.listed(self._namespace, keys, self._list_mark)

    def _spot(self, pod: Pod) -> _Spot:
        """The spot of a pod, with that pod counted."""
        key = tuple(word for label in sorted(pod.labels.items()) for word in label)
        if (group := self._groups.get(key)) is None:
            group = self._groups[key] = _Group(key, pod.labels)
        if (siblings := group.siblings.get(pod.owner)) is None:
            siblings = group.siblings[pod.owner] = _Siblings(group, pod.owner)
        if (spot := siblings.spots.get(pod.node)) is None:
            spot = siblings.spots[pod.node] = _Spot(siblings, pod.node)
        spot.pods += 1
        return spot

    def _leave(self, key: PodKey) -> None:
        """Drop a pod, and what nobody is left in."""
        if (spot := self._places.pop(key, None)) is None:
            return
        spot.pods -= 1
        siblings, group = spot.siblings, spot.siblings.group
        if not spot.pods:
            del siblings.spots[spot.node]
        if not siblings.spots:
            group.siblings.pop(siblings.owner, None)
        if not group.siblings:
            self._groups.pop(group.key, None)


def pod_key(uid: str) -> PodKey:
    """A uid in half the memory where it is a UUID as Kubernetes writes it; no two have the same."""
    parts = uid.split("-")
    if tuple(map(len, parts)) != _UUID or not set(uid) <= _DIGITS:
        return uid
    return int("".join(parts), 16)
