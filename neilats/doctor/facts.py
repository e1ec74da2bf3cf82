"""All that is known of a cluster: what the checks read. Nothing here asks anybody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final

from extender.cluster.tables import ServiceTable, SliceTable
from extender.intents import LEGACY_NODE, LEGACY_SLA, Intent, Pod, parse_intent
from neilats.doctor.kubescheduler import SchedulerConfig
from neilats.doctor.objects import Lease, Node
from neilats.doctor.pods import PodItem, Workload
from neilats.doctor.samples import Scrape
from neilats.settings import ExtenderSettings
from scoring.profiles import PROFILES

__all__ = ["COMPONENT", "EXTENDER_POD", "PART_OF", "Asker", "Facts", "Source"]

PART_OF: Final = "app.kubernetes.io/part-of"  # the chart's nameOverride does not change it
INSTANCE: Final = "app.kubernetes.io/instance"
COMPONENT: Final = "app.kubernetes.io/component"
EXTENDER_POD: Final = "neilats.io/extender"


class Source(StrEnum):
    """What has to be readable for a check."""

    VERSION = "version"
    NODES = "nodes"
    PODS = "pods"
    OWN_PODS = "pods of neilats"
    CONFIGS = "configmaps"
    PEERS = "services and endpointslices"
    WORKLOADS = "deployments and daemonsets"
    LEASES = "leases"
    EXTENDERS = "metrics of the extenders"
    PROBERS = "metrics of the probers"


@dataclass(frozen=True, slots=True)
class Asker:
    """A pod that asks for something, and what."""

    item: PodItem
    pod: Pod
    intent: Intent

    @property
    def scheduler(self) -> str:
        """Who places it."""
        return self.item.spec.scheduler_name or "default-scheduler"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A cluster as it was read.

    `unread` says for each source that could not be read what that would have needed; `notes` are remarks on the
    reading. `namespace` is that of neilats; `settings` are the extender's, with the defaults where they are unknown.
    """

    namespace: str = "neilats"
    now: float = 0.0
    version: str = ""
    nodes: Sequence[Node] = ()
    pods: Sequence[PodItem] = ()
    own_pods: Sequence[PodItem] = ()
    configs: Sequence[SchedulerConfig] = ()
    settings: ExtenderSettings = field(default_factory=ExtenderSettings)
    deployments: Sequence[Workload] = ()
    daemonsets: Sequence[Workload] = ()
    leases: Sequence[Lease] = ()
    services: Mapping[str, ServiceTable] = field(default_factory=dict)
    slices: Mapping[str, SliceTable] = field(default_factory=dict)
    extenders: Sequence[Scrape] = ()
    probers: Sequence[Scrape] = ()
    unread: Mapping[Source, str] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @cached_property
    def release(self) -> str:
        """The Helm release that was found, or the usual one."""
        metas = [w.metadata for w in (*self.daemonsets, *self.deployments)] + [p.metadata for p in self.own_pods]
        named = (m.release or m.labels.get(INSTANCE, "") for m in metas)
        return next(filter(None, named), "neilats")

    @cached_property
    def serving(self) -> frozenset[str]:
        """The names of the schedulers that are known to ask neilats."""
        return frozenset(name for config in self.configs if config.neilats for name in config.scheduler_names)

    @cached_property
    def askers(self) -> tuple[Asker, ...]:
        """The living pods that ask for something."""
        return tuple(a for p in self.pods if p.living and (a := _asker(p)) and self._means_us(a))

    def _means_us(self, asker: Asker) -> bool:
        """Whether a pod speaks to neilats: one of the old labels alone may be anybody's, such as sla=gold."""
        both = {LEGACY_NODE, LEGACY_SLA} <= asker.pod.labels.keys()
        return not asker.intent.legacy or both or asker.scheduler in self.serving

    @cached_property
    def extender_pods(self) -> tuple[PodItem, ...]:
        """The pods that run an extender."""
        return tuple(p for p in self.own_pods if p.living and p.metadata.labels.get(EXTENDER_POD) == "true")

    @cached_property
    def prober_pods(self) -> tuple[PodItem, ...]:
        """The pods that run a prober."""
        return tuple(p for p in self.own_pods if p.living and p.metadata.labels.get(COMPONENT) == "prober")

    @cached_property
    def prober_sets(self) -> tuple[Workload, ...]:
        """The DaemonSets of probers; one, as a rule."""
        return tuple(d for d in self.daemonsets if d.metadata.labels.get(COMPONENT) == "prober")


def _asker(item: PodItem) -> Asker | None:
    meta = item.metadata
    owner = meta.owner
    pod = Pod(
        namespace=meta.namespace,
        name=meta.name,
        uid=meta.uid,
        node=item.spec.node_name,
        labels=meta.labels,
        annotations=meta.annotations,
        owner=owner.uid if owner else "",
        phase=item.status.phase,
    )
    intent = parse_intent(pod, PROFILES)
    return Asker(item, pod, intent) if intent else None
