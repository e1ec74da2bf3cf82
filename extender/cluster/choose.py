"""Which cluster the settings mean."""

from pathlib import Path
from typing import Final

from extender.cluster.base import Cluster
from extender.cluster.static import StaticCluster
from extender.cluster.watches import OnRestart
from extender.selectors import parse_selector
from neilats.settings import ExtenderSettings

__all__ = ["open_cluster"]

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


async def open_cluster(
    settings: ExtenderSettings,
    *,
    on_restart: OnRestart = lambda kind, reason: None,
    service_account: Path = SERVICE_ACCOUNT,
) -> Cluster:
    """The cluster of the settings, not started yet; raises ClusterError where it cannot be reached as they say."""
    kind = _kind(settings, service_account)
    if kind == "none":
        return StaticCluster(settings.nodes)
    from extender.cluster.kube import KubeApi  # it costs a third of a second and 20 MB; a static list must not pay
    from extender.cluster.live import KubeCluster

    api = await KubeApi.open(settings.kubeconfig if kind == "kubeconfig" else "")
    return KubeCluster(api, on_restart=on_restart, probed=parse_selector(settings.prober_nodes))


def _kind(settings: ExtenderSettings, service_account: Path) -> str:
    if settings.cluster != "auto":
        return settings.cluster
    return "in-cluster" if service_account.exists() else "kubeconfig" if settings.kubeconfig else "none"
