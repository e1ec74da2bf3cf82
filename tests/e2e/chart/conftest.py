"""One release for all tests of the chart, on links that make node-2 the nearest to node-1."""

import itertools
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.controlplane.kube import Kube
from tests.e2e.chart.release import Release, eventually
from tests.e2e.conftest import NODES
from tests.e2e.live import KEEP, LiveCluster

RTT_MS = {
    ("node-1", "node-2"): 3.0,
    ("node-1", "node-3"): 10.0,
    ("node-1", "node-4"): 25.0,
    ("node-2", "node-3"): 15.0,
    ("node-2", "node-4"): 30.0,
    ("node-3", "node-4"): 6.0,
}
PAIRS = len(NODES) * (len(NODES) - 1)


def restore_links(cluster: LiveCluster) -> None:
    """The links of all tests here."""
    for (a, b), rtt in RTT_MS.items():
        cluster.link(a, b, rtt=rtt, jitter=0, loss=0)


@pytest.fixture(scope="package")
def release(cluster: LiveCluster, image: str) -> Iterator[Release]:
    """The release, installed with default values on a cluster that has the image."""
    restore_links(cluster)
    installed = Release(cluster)
    if not installed.exists():
        installed.install()
    yield installed
    if KEEP:
        return
    installed.helm("uninstall", "--wait", "--timeout", "120s")
    for a, b in itertools.combinations(NODES, 2):
        cluster.link(a, b, rtt=0, jitter=0, loss=0)


@pytest.fixture
async def kube(cluster: LiveCluster) -> AsyncIterator[Kube]:
    """The API server; what a test makes in the default namespace goes away with it."""
    client = Kube(cluster)
    try:
        yield client
        for kind in ("pods", "events"):
            await client.ask("DELETE", f"/api/v1/namespaces/default/{kind}?gracePeriodSeconds=0")
    finally:
        await client.close()


@pytest.fixture
async def measured(release: Release) -> Release:
    """The release, once every path has two intervals' samples."""
    await eventually("the measurement of all paths", lambda: _measured(release), timeout_s=90)
    return release


def _measured(release: Release) -> bool:
    paths = release.ask("matrix")["paths"]
    return sum(p["samples"] >= 2 for p in paths) >= PAIRS
