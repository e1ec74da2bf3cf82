"""What one point of the extender is worth against what kube-scheduler's own score plugins can differ by."""

import math
from typing import Final

from neilats.doctor.kubescheduler import PluginRef, Plugins, PluginSet, Profile

__all__ = ["POINT", "enough", "rivals"]

POINT: Final = 10
"""kube-scheduler adds score * weight * 10 for an extender's scores of 0..10."""

_SPAN: Final = 100  # a plugin scores 0..100, times its weight
_DEFAULTS: Final = {
    "NodeResourcesFit": 1,
    "NodeResourcesBalancedAllocation": 1,
    "ImageLocality": 1,
    "PodTopologySpread": 2,
}
_BY_PREFERENCE: Final = frozenset({"NodeAffinity", "TaintToleration", "InterPodAffinity"})
_ROOM: Final = 2  # times the rivals: a preferred affinity or a tolerated taint of a pod is then still outweighed


def rivals(profile: Profile) -> int:
    """The most by which the other score plugins of a profile differ for a pod without preferences of its own."""
    weights, plugins = dict(_DEFAULTS), profile.plugins or Plugins()
    multi_point, score = plugins.multi_point or PluginSet(), plugins.score or PluginSet()
    _drop(weights, multi_point)
    # A stranger in multiPoint need not score at all.
    weights.update({p.name: _weight(p) for p in multi_point.enabled or () if p.name in _DEFAULTS})
    _drop(weights, score)
    weights.update({p.name: _weight(p) for p in score.enabled or () if p.name not in _BY_PREFERENCE})
    return _SPAN * sum(weights.values())


def enough(profile: Profile) -> int:
    """The least weight with which a difference that neilats can tell decides; 100 for the default plugins."""
    return max(1, math.ceil(_ROOM * rivals(profile) / POINT))


def _drop(weights: dict[str, int], plugins: PluginSet) -> None:
    for gone in plugins.disabled or ():
        if gone.name == "*":
            weights.clear()
        weights.pop(gone.name, None)


def _weight(plugin: PluginRef) -> int:
    return plugin.weight or 1  # as kube-scheduler takes a weight that is not given
