"""Without the chart: both services as processes on the nodes, beside a second kube-scheduler."""

import pytest

from tests.controlplane.kube import Kube
from tests.e2e.conftest import NODES
from tests.e2e.live import LiveCluster, Neilats

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

NEAR = {"neilats.io/peer-nodes": "node-1"}
PAIRS = len(NODES) * (len(NODES) - 1)
PAUSE = [{"name": "main", "image": "registry.local/pause:1", "imagePullPolicy": "Never"}]


async def place(kube: Kube, prefix: str, count: int = 20, **annotations: str) -> set[str]:
    """Create pods near node-1 and return the nodes that they were bound to."""
    names = [f"{prefix}-{i}" for i in range(count)]
    more = {f"neilats.io/{k.replace('_', '-')}": v for k, v in annotations.items()}
    for name in names:
        await kube.pod(name, annotations=NEAR | more, containers=PAUSE)
    return set((await kube.wait_bound(*names, timeout_s=60)).values())


def links(cluster: LiveCluster, **rtt_ms: float) -> None:
    """Set node-1's links: node_2=3.0 means 3 ms to node-2."""
    for node, rtt in rtt_ms.items():
        cluster.link("node-1", node.replace("_", "-"), rtt=rtt)


async def test_a_lossy_link_loses_to_a_slightly_slower_clean_one(cluster: LiveCluster, kube: Kube) -> None:
    links(cluster, node_2=6, node_3=8, node_4=60)
    cluster.link("node-1", "node-2", loss=0.15)
    await kube.patch_node("node-1", {"spec": {"unschedulable": True}})
    neilats = Neilats(cluster, 1.0)
    with neilats.running(NODES), cluster.scheduler(neilats.webhooks):
        await neilats.measured(PAIRS, samples=25)
        assert await place(kube, "by-rtt", 10) == {"node-3"}
        assert await place(kube, "by-sla", 10, max_rtt_ms="20") == {"node-3"}
