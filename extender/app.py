"""Wires the extender: its parts, its HTTP applications, and its life from start to SIGTERM."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry

from extender.access.wiring import open_access
from extender.afterwards import Afterwards
from extender.analysis import Analyst
from extender.apps import Apps, open_apps
from extender.cluster.base import Cluster
from extender.decide import Decider
from extender.decisions import Decisions
from extender.estimates import Estimates
from extender.events.voice import Voice
from extender.followup import Followup
from extender.gather import RecentPaths
from extender.gauges import set_gauges
from extender.grace import Grace
from extender.health import Health
from extender.housekeeping import Housekeeper
from extender.ingest import Ingest
from extender.load import Load
from extender.metrics import Metrics
from extender.noise import NoiseTable
from extender.placed.judging import Gather
from extender.placed.watching import PlacedPods
from extender.plugin import Plugin
from extender.pods import Pod
from extender.probing import Limits, Probing
from extender.probing.figures import Figures
from extender.promises import Promises
from extender.queries import Queries
from extender.recorder import Recorder
from extender.refresher import Refresher
from extender.reload import Reloader, heard_load
from extender.replies import Replies
from extender.reports import Reports
from extender.scorer import Scorer
from extender.skill import Skill
from extender.turns import Turns
from extender.violations import Violations
from extender.wake import Waker
from extender.webhooks import Webhooks
from extender.windows import WindowStore
from extender.worker import Worker
from models import FORECASTERS
from models.holder import ModelHolder, Models
from models.opening import open_registry
from neilats import __version__
from neilats.settings import ExtenderSettings

__all__ = ["Extender", "build", "new_metrics"]

MIB = 1024 * 1024


@dataclass(frozen=True)
class Extender:
    """The wired parts that the service and the tests touch."""

    settings: ExtenderSettings
    cluster: Cluster
    store: WindowStore
    ingest: Ingest
    decider: Decider
    decisions: Decisions
    health: Health
    metrics: Metrics
    waker: Waker
    followup: Followup
    placed: PlacedPods
    voice: Voice
    housekeeper: Housekeeper
    analyst: Analyst
    models: ModelHolder
    reloader: Reloader
    refresher: Refresher
    estimates: Estimates
    skill: Skill
    worker: Worker
    recorder: Recorder
    apps: Apps


def build(
    settings: ExtenderSettings,
    cluster: Cluster,
    clock: Callable[[], float] = time.monotonic,
    metrics: Metrics | None = None,
) -> Extender:
    """Wire an extender on a cluster; nothing listens or runs yet. Call it from within the running event loop.

    The models are loaded here: nobody waits for an answer yet. Raises ClusterError where nothing can verify tokens.
    """
    metrics, store = metrics or new_metrics(), WindowStore(settings.window_slots, settings.interval_s)
    probing, load = _probing(settings, cluster, store, metrics, clock), _load(settings)
    noise, grace = NoiseTable(store), _grace(settings, cluster, load)
    access = open_access(settings, cluster, metrics, clock)
    recorder = _recorder(settings, metrics, clock)
    ingest = Ingest(store, noise, cluster, access.owners, Replies(probing, load, metrics), clock, recorder.observe)
    holder, worker, skill = _models(settings, metrics), Worker(settings.forecast_threads), Skill(store, metrics)
    models = _current(holder)
    analyst, decisions = Analyst(store, models, worker), Decisions(settings.decisions_kept, time.time)
    violations = Violations(store, models, worker, skill, metrics, clock)
    scorer, estimates = _scorer(settings, store, noise, analyst, violations, metrics, clock)
    refresher = Refresher(violations, skill, scorer.gather_one, settings.interval_s, settings.forecast_cpu_share, clock)
    promises = Promises(scorer, cluster, grace, clock)
    decider = _decider(settings, cluster, probing, scorer, promises, decisions, clock)
    health = Health(cluster, ingest.sources, settings.ready_after_s, clock)
    voice, placed = _placed(settings, cluster, _watched(scorer, probing, clock), metrics, clock)
    waker = Waker(decider.review, _annotate(cluster), metrics, clock, _stamp)
    followup = Followup(decider, decisions, cluster, waker, voice.announcer, metrics)
    set_gauges(settings, metrics, cluster, health, ingest, store, clock)
    reports = Reports(ingest, metrics, int(settings.report_max_mib * MIB), access.sender, load, Turns(decider.calls))
    queries = Queries(store, cluster, decider, decisions, clock, followup.settle)
    webhooks = Webhooks(decider, metrics, int(settings.webhook_max_mib * MIB))
    plugin = Plugin(cluster, models, worker, settings.cors_origin)
    apps = open_apps(metrics, health, plugin, webhooks, reports, [queries, placed, recorder], access.guards)
    apps.api.on_shutdown.append(recorder.end_streams)
    return Extender(
        settings=settings,
        cluster=cluster,
        store=store,
        ingest=ingest,
        decider=decider,
        decisions=decisions,
        health=health,
        metrics=metrics,
        waker=waker,
        followup=followup,
        placed=placed,
        voice=voice,
        housekeeper=Housekeeper(cluster, ingest, store, grace, probing, clock),
        analyst=analyst,
        models=holder,
        reloader=Reloader(holder, settings.models_poll_s),
        refresher=refresher,
        estimates=estimates,
        skill=skill,
        worker=worker,
        recorder=recorder,
        apps=apps,
    )


def _grace(settings: ExtenderSettings, cluster: Cluster, load: Load) -> Grace:
    """Two pauses more: one until a prober hears of a new path, and one until its samples come."""
    return Grace(settings.measuring_grace_s, lambda: 2 * load.longest_pause_s(len(cluster.nodes)))


def _load(settings: ExtenderSettings) -> Load:
    """What the reports cost; always by the real clocks, because it is about this process."""
    return Load(settings.interval_s, settings.fresh_for_s)


def _scorer(
    settings: ExtenderSettings,
    store: WindowStore,
    noise: NoiseTable,
    analyst: Analyst,
    violations: Violations,
    metrics: Metrics,
    clock: Callable[[], float],
) -> tuple[Scorer, Estimates]:
    """What scores candidates, and the estimates that it uses where nobody measures."""
    estimates = Estimates(store, Worker(name="estimates"), metrics, clock, settings.estimate_neighbours)
    profile, fresh_for_s = settings.profile, settings.fresh_for_s
    return Scorer(store, noise, analyst, violations, profile, fresh_for_s, clock, estimates), estimates


def _decider(settings: ExtenderSettings, *parts: Any) -> Decider:
    """What answers kube-scheduler, as the settings say."""
    return Decider(*parts, shadow=settings.shadow, deadline_s=settings.deadline_ms / 1000, afterwards=Afterwards())


def _recorder(settings: ExtenderSettings, metrics: Metrics, clock: Callable[[], float]) -> Recorder:
    """What keeps the trace of what is ingested, as the settings name its place and size."""
    most_bytes = int(settings.record_max_mib * MIB)
    return Recorder(settings.record_dir, most_bytes, settings.interval_s, metrics, clock, time.time)


def _probing(
    settings: ExtenderSettings, cluster: Cluster, store: WindowStore, metrics: Metrics, clock: Callable[[], float]
) -> Probing:
    """What decides who measures whom, and what it says of itself."""
    probing = Probing(cluster, settings.interval_s, settings.ip_family, store, Limits.of(settings))
    metrics.registry.register(Figures(probing, store, clock))
    return probing


def _watched(scorer: Scorer, probing: Probing, clock: Callable[[], float]) -> Gather:
    """The recent samples of placed pods' paths; whoever looks at a path has it measured."""

    def recent(peer: str, nodes: Sequence[str]) -> RecentPaths:
        probing.watch(peer, nodes, clock())
        return scorer.recent(peer, nodes)

    return recent


def _placed(
    settings: ExtenderSettings, cluster: Cluster, recent: Gather, metrics: Metrics, clock: Callable[[], float]
) -> tuple[Voice, PlacedPods]:
    """What tells people of their pods, and what looks whether the promises of placed pods are kept."""
    voice = Voice(settings, cluster.api, metrics, clock)
    placed = PlacedPods(cluster, recent, voice.announcer, metrics, clock, settings.promise_check_s)
    return voice, placed


def _models(settings: ExtenderSettings, metrics: Metrics) -> ModelHolder:
    """The models that are promoted, or the naive forecaster that the settings name instead."""
    naive = FORECASTERS.get(settings.forecaster)
    holder = ModelHolder(
        open_registry(settings.models_dir),
        naive() if naive else None,
        1,  # a run; the worker has several under way, which wastes less than threads that share one
        lambda load: heard_load(metrics, load),
    )
    holder.refresh()
    return holder


def _current(holder: ModelHolder) -> Callable[[], Models]:
    return lambda: holder.current


def new_metrics() -> Metrics:
    """The extender's metrics on a registry of their own."""
    return Metrics(CollectorRegistry(), __version__)


def _stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _annotate(cluster: Cluster) -> Callable[[Pod, Mapping[str, str]], Awaitable[bool]]:
    async def annotate(pod: Pod, annotations: Mapping[str, str]) -> bool:
        return await cluster.annotate(pod.namespace, pod.name, annotations, uid=pod.uid)

    return annotate
