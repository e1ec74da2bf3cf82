"""How the findings name things."""

from collections.abc import Iterable
from typing import Final

from neilats.doctor.pods import PodItem

__all__ = ["condition", "few", "percent", "plural", "pod_trouble", "workload"]

_FEW: Final = 5
_NORMAL: Final = (None, "", "Completed", "PodInitializing")  # what a container says that others keep waiting
_HASH: Final = "pod-template-hash"


def few(names: Iterable[str], most: int = _FEW) -> str:
    """The first names in order, and how many more there are."""
    found = sorted(set(names))
    more = len(found) - most
    return ", ".join(found[:most]) + (f" and {more} more" if more > 0 else "")


def plural(count: int, one: str, many: str = "") -> str:
    """A number with its word."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def percent(share: float) -> str:
    """A share of 1; what is not nothing is not shown as nothing."""
    return "<1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"


def workload(item: PodItem) -> tuple[str, str]:
    """The kind and name of what makes a pod, as kubectl takes them; a pod's own where nothing does."""
    owner, labels = item.metadata.owner, item.metadata.labels
    if owner is None:
        return "pod", item.metadata.name
    if owner.kind == "ReplicaSet" and (suffix := f"-{labels.get(_HASH)}") and owner.name.endswith(suffix):
        return "deployment", owner.name.removesuffix(suffix)
    return owner.kind.lower(), owner.name


def condition(item: PodItem, kind: str) -> str:
    """What a condition that does not hold says."""
    return next((c.message or "" for c in item.status.conditions if c.type == kind and c.status == "False"), "")


def pod_trouble(item: PodItem) -> str:
    """Why a pod is not ready, in the words of Kubernetes."""
    if unplaced := condition(item, "PodScheduled"):
        return f"is not scheduled: {unplaced}"
    statuses = item.status.all_statuses
    for status in statuses:
        if (waiting := status.state.waiting) and waiting.reason not in _NORMAL:
            return f"container {status.name}: {_said(waiting.reason, waiting.message)}"
        if (ended := status.state.terminated) and ended.reason not in _NORMAL:
            return f"container {status.name} has ended: {_said(ended.reason, ended.message)}"
    not_ready = [s.name for s in statuses if not s.ready]
    return f"container {few(not_ready)} is not ready" if not_ready else "is not ready"


def _said(reason: str | None, message: str | None) -> str:
    return f"{reason} ({message})" if message else str(reason)
