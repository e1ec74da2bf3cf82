"""The control plane itself: kube-scheduler binds pods here without any extender."""

import pytest

from tests.controlplane.kube import Kube
from tests.controlplane.plane import ControlPlane

pytestmark = [pytest.mark.controlplane, pytest.mark.timeout(120)]


async def test_pods_are_bound_to_nodes(plane: ControlPlane, kube: Kube) -> None:
    await kube.node("node-1", "10.0.0.1")
    with plane.scheduler():
        await kube.pod("web")
        assert await kube.wait_bound("web") == {"web": "node-1"}


async def test_a_pod_that_fits_nowhere_says_so_in_an_event(plane: ControlPlane, kube: Kube) -> None:
    await kube.node("node-1", "10.0.0.1", cpu="1")
    with plane.scheduler():
        await kube.pod("web", cpu="2")
        assert "Insufficient cpu" in await kube.wait_event("web", "FailedScheduling")


async def test_a_pod_of_a_higher_class_evicts_lower_ones(plane: ControlPlane, kube: Kube) -> None:
    await kube.node("node-1", "10.0.0.1", cpu="1")
    await kube.priority_class("high", 1000)
    await kube.pod("low", cpu="1", node="node-1")
    with plane.scheduler():
        await kube.pod("web", cpu="1", priority_class="high")
        assert await kube.wait_bound("web") == {"web": "node-1"}
        assert await kube.pods() == {"web": "node-1"}
