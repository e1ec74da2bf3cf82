"""One cluster for all end-to-end tests, empty and with plain links at the start of each."""

import itertools
import os
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.controlplane.kube import Kube
from tests.e2e.live import LiveCluster, ensure_ping
from tests.missing import missing

NODES = ("node-1", "node-2", "node-3", "node-4")
REMEDY = "set TEST_CLUSTER to the command that starts the multi-node test cluster, and run as root"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCluster]:
    """The running cluster; skips without its command, except in CI."""
    command = os.environ.get("TEST_CLUSTER", "")
    if not command or os.geteuid() != 0:
        missing(REMEDY)
    ensure_ping()
    live = LiveCluster(command, tmp_path_factory.mktemp("e2e"), len(NODES))
    live.start()
    try:
        yield live
    finally:
        live.stop()


@pytest.fixture
async def kube(cluster: LiveCluster) -> AsyncIterator[Kube]:
    """The API server, with all nodes schedulable and all links plain."""
    for a, b in itertools.combinations(NODES, 2):
        cluster.link(a, b, rtt=0, jitter=0, loss=0)
    client = Kube(cluster)
    try:
        for node in NODES:
            await client.patch_node(node, {"spec": {"unschedulable": None}})
        yield client
        await client.ask("DELETE", "/api/v1/namespaces/default/pods?gracePeriodSeconds=0")
    finally:
        await client.close()
