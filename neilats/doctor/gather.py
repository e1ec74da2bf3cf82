"""Fetches the facts of a cluster from its API server, as far as one is allowed to."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, Final

import msgspec
import yaml

from extender.cluster.api import Api
from extender.cluster.tables import ServiceTable, SliceTable
from neilats.doctor.cluster import cluster_time
from neilats.doctor.facts import PART_OF, Facts, Source
from neilats.doctor.kubescheduler import find_configs
from neilats.doctor.objects import ConfigMap, Lease, Node, Version
from neilats.doctor.pods import PodItem, Workload
from neilats.doctor.reading import Reader, path_of
from neilats.doctor.scraping import MAX_EXTENDERS, MAX_PROBERS, Pause, Scraper, spread
from neilats.settings import ExtenderSettings

__all__ = ["gather"]

SELECTOR: Final = f"{PART_OF}=neilats"
DEFAULT_NAMESPACE: Final = "neilats"
_LEASES: Final = "kube-node-lease"
_SYSTEM: Final = "kube-system"
_MAX_NAMESPACES: Final = 100  # whose services are read


async def gather(
    api: Api,
    namespace: str = "",
    *,
    pause: Pause | None,
    clock: Callable[[], float] = time.time,
    patience_s: float = 10.0,
) -> Facts:
    """Everything that the checks read; raises DoctorError where the API server cannot be asked.

    `namespace` is where neilats is, found by its labels if empty. Metrics are read before and after `pause`, or once
    without it.
    """
    reader = Reader(api)
    facts = Facts(version=await _version(reader))
    facts = await _workloads(reader, facts, namespace)
    facts = await _pods(reader, facts)
    facts = await _configs(reader, facts)
    facts = await _nodes(reader, facts)
    facts = await _peers(reader, facts)
    facts = replace(facts, now=cluster_time(facts) or clock())
    scraper = Scraper(api, patience_s=patience_s)
    facts = await _metrics(scraper, facts, pause)
    return replace(facts, unread=reader.unread | scraper.unread, notes=(*reader.notes, *scraper.notes))


async def _version(reader: Reader) -> str:
    async def work() -> str:
        return msgspec.json.decode(await reader.get("/version"), type=Version).git_version

    return await reader.read(Source.VERSION, "get /version", work, "")


async def _workloads(reader: Reader, facts: Facts, namespace: str) -> Facts:
    """Deployments and DaemonSets of neilats, and with them its namespace."""

    async def work() -> tuple[list[Workload], list[Workload]]:
        places = [namespace or DEFAULT_NAMESPACE]
        deployments, _ = await reader.anywhere(Workload, "apps/v1", "deployments", places, SELECTOR)
        daemonsets, _ = await reader.anywhere(Workload, "apps/v1", "daemonsets", places, SELECTOR)
        return deployments, daemonsets

    nothing: tuple[list[Workload], list[Workload]] = ([], [])
    needs = "list deployments.apps and daemonsets.apps"
    deployments, daemonsets = await reader.read(Source.WORKLOADS, needs, work, nothing)
    places = Counter(w.metadata.namespace for w in (*deployments, *daemonsets))
    chosen = namespace or max(sorted(places), key=lambda p: places[p], default=DEFAULT_NAMESPACE)
    if not namespace and len(places) > 1:
        reader.notes.append(
            f"neilats is in the namespaces {', '.join(sorted(places))}: looked at {chosen} (--namespace)"
        )
    return replace(
        facts,
        namespace=chosen,
        deployments=[w for w in deployments if w.metadata.namespace == chosen],
        daemonsets=[w for w in daemonsets if w.metadata.namespace == chosen],
    )


async def _pods(reader: Reader, facts: Facts) -> Facts:
    """All pods; where these may not be listed, those of neilats' namespace."""

    async def everywhere() -> list[PodItem]:
        return await reader.items(PodItem, path_of("v1", "pods"))

    async def own() -> list[PodItem]:
        return await reader.items(PodItem, path_of("v1", "pods", facts.namespace), SELECTOR)

    none: list[PodItem] = []
    pods = await reader.read(Source.PODS, "list pods in all namespaces", everywhere, none)
    if Source.PODS in reader.unread:
        needs = f"list pods in namespace {facts.namespace}"
        return replace(facts, own_pods=await reader.read(Source.OWN_PODS, needs, own, none))
    ours = [p for p in pods if p.metadata.labels.get(PART_OF) == "neilats" and p.metadata.namespace == facts.namespace]
    return replace(facts, pods=pods, own_pods=ours)


async def _configs(reader: Reader, facts: Facts) -> Facts:
    """KubeSchedulerConfigurations, and the settings of our extender."""

    async def work() -> list[ConfigMap]:
        maps, everywhere = await reader.anywhere(ConfigMap, "v1", "configmaps", [facts.namespace, _SYSTEM])
        if not everywhere:
            reader.notes.append(
                f"ConfigMaps were looked at in {facts.namespace} and {_SYSTEM} only "
                "(needs: list configmaps in all namespaces)"
            )
        return maps

    none: list[ConfigMap] = []
    maps = await reader.read(Source.CONFIGS, "list configmaps in all namespaces", work, none)
    return replace(facts, configs=find_configs(maps), settings=_settings(maps, facts.namespace))


def _settings(maps: list[ConfigMap], namespace: str) -> ExtenderSettings:
    """The two settings of the extender that matter here; the defaults where they cannot be read."""
    for found in maps:
        meta = found.metadata
        if meta.namespace == namespace and meta.name.endswith("-extender-config"):
            return _chosen(found.data.get("neilats.yaml", ""))
    return ExtenderSettings()


def _chosen(text: str) -> ExtenderSettings:
    known = {f.name: f.metadata["parse"] for f in fields(ExtenderSettings) if f.name in ("deadline_ms", "shadow")}
    try:
        raw: Any = yaml.safe_load(text)
        given = raw if isinstance(raw, dict) else {}
        return ExtenderSettings(**{name: parse(given[name]) for name, parse in known.items() if name in given})
    except (yaml.YAMLError, ValueError, RecursionError):
        return ExtenderSettings()


async def _nodes(reader: Reader, facts: Facts) -> Facts:
    """Nodes and their leases."""

    async def nodes() -> list[Node]:
        return await reader.items(Node, path_of("v1", "nodes"))

    async def leases() -> list[Lease]:
        return await reader.items(Lease, path_of("coordination.k8s.io/v1", "leases", _LEASES))

    return replace(
        facts,
        nodes=await reader.read(Source.NODES, "list nodes", nodes, []),
        leases=await reader.read(Source.LEASES, f"list leases in namespace {_LEASES}", leases, []),
    )


async def _peers(reader: Reader, facts: Facts) -> Facts:
    """Services and endpoints of the namespaces that intents name."""
    named = sorted({namespace for a in facts.askers for namespace, _ in a.intent.peer_services})
    if len(named) > _MAX_NAMESPACES:
        reader.notes.append(f"pods name services in {len(named)} namespaces; {_MAX_NAMESPACES} were looked at")
    services: dict[str, ServiceTable] = {}
    slices: dict[str, SliceTable] = {}

    async def work() -> None:
        for namespace in named[:_MAX_NAMESPACES]:
            services[namespace], slices[namespace] = ServiceTable(), SliceTable()
            for table, path in (
                (services[namespace], path_of("v1", "services", namespace)),
                (slices[namespace], path_of("discovery.k8s.io/v1", "endpointslices", namespace)),
            ):
                for raw in await reader.items(dict, path):
                    table.put(raw)

    await reader.read(Source.PEERS, "list services and endpointslices.discovery.k8s.io", work, None)
    return replace(facts, services=services, slices=slices)


async def _metrics(scraper: Scraper, facts: Facts, pause: Pause | None) -> Facts:
    """Metrics of ready pods."""
    ready = {
        Source.EXTENDERS: ([p for p in facts.extender_pods if p.ready], MAX_EXTENDERS),
        Source.PROBERS: ([p for p in facts.prober_pods if p.ready], MAX_PROBERS),
    }
    for source, (pods, most) in ready.items():
        if len(pods) > most:
            scraper.notes.append(f"{source}: {most} of {len(pods)} pods were asked")
    found = await scraper.scrape({s: spread(pods, most) for s, (pods, most) in ready.items()}, pause)
    return replace(facts, extenders=found[Source.EXTENDERS], probers=found[Source.PROBERS])
