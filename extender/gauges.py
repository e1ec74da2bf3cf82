"""Metrics that are looked up when somebody reads them."""

from collections.abc import Callable

from extender.cluster.base import Cluster
from extender.health import Health
from extender.housekeeping import prober_counts, window_counts
from extender.ingest import Ingest
from extender.metrics import Metrics
from extender.windows import WindowStore
from neilats.settings import ExtenderSettings

__all__ = ["set_gauges"]


def set_gauges(
    settings: ExtenderSettings,
    metrics: Metrics,
    cluster: Cluster,
    health: Health,
    ingest: Ingest,
    store: WindowStore,
    clock: Callable[[], float],
) -> None:
    """Let the metrics ask, when they are read, for what is known anyway."""
    fresh_for_s = settings.fresh_for_s
    metrics.ready.set_function(lambda: float(not health.troubles()))
    metrics.nodes.set_function(lambda: float(len(cluster.nodes)))
    metrics.count_windows(lambda: window_counts(store, fresh_for_s, clock))
    metrics.count_probers(lambda: prober_counts(cluster.nodes, ingest.sources, fresh_for_s, clock))
