"""A link that worsens moves later pods, and the placed ones are told."""

import pytest

from tests.controlplane.kube import Kube
from tests.e2e.chart.conftest import restore_links
from tests.e2e.chart.release import PAUSE, Release, away_from, eventually, placed, promise
from tests.e2e.live import LiveCluster

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


def pods_in(release: Release, state: str) -> float:
    return release.extender_metric("neilats_placed_pods", state=state)


async def test_a_worse_link_breaks_a_promise_and_a_better_one_mends_it(
    kube: Kube, measured: Release, cluster: LiveCluster
) -> None:
    release, wanted = measured, promise("node-1", max_rtt_ms="12")
    assert await placed(kube, "early", wanted) == "node-2"
    await eventually("a kept promise", lambda: pods_in(release, "kept") == 1, timeout_s=60)

    strict = promise("node-1", max_rtt_ms="2", mode="require")
    await kube.pod("patient", annotations=strict, containers=PAUSE, affinity=away_from("node-1"))
    cluster.link("node-1", "node-2", rtt=40)
    try:
        assert "node-1" in await kube.wait_event("early", "LatencyPromiseBroken", timeout_s=150)
        assert pods_in(release, "broken") == 1
        assert await placed(kube, "late", wanted) == "node-3"
        # The second look at a waiting pod comes by itself, as soon as a node keeps its promise.
        cluster.link("node-1", "node-4", rtt=0)
        assert await kube.wait_bound("patient", timeout_s=150) == {"patient": "node-4"}
    finally:
        restore_links(cluster)
    assert await kube.wait_event("early", "LatencyPromiseKept", timeout_s=200)
    # Both are for `kubectl describe`, which shows a pod's events.
    described = release.kubectl("describe", "pod", "early", namespace="default")
    assert all(reason in described for reason in ("LatencyPlacement", "LatencyPromiseBroken", "LatencyPromiseKept"))
