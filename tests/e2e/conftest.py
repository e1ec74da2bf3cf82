"""One cluster for all end-to-end tests, empty and with plain links at the start of each."""

import itertools
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.controlplane.kube import Kube
from tests.e2e.live import LiveCluster
from tests.missing import missing
from tests.programs import program

ROOT = Path(__file__).parents[2]
IMAGE = "localhost/neilats:0.1.0"
NODES = ("node-1", "node-2", "node-3", "node-4")
REMEDY = "set TEST_CLUSTER to the command that starts the multi-node test cluster, and run as root"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCluster]:
    """The running cluster; skips without its command, except in CI."""
    command = os.environ.get("TEST_CLUSTER", "")
    if not command or os.geteuid() != 0:
        missing(REMEDY)
    program("ping", "iputils-ping")  # what measurements are compared with
    live = LiveCluster(command, tmp_path_factory.mktemp("e2e"), len(NODES))
    live.start()
    try:
        yield live
    finally:
        live.stop()


@pytest.fixture(scope="session")
def image(cluster: LiveCluster) -> str:
    """The tag of the image, built from this tree and loaded into every node; the chart's default names it."""
    cluster.run("build", IMAGE, ROOT)
    return IMAGE


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
