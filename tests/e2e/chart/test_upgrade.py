"""An upgrade leaves no pod unscheduled and no decision blind."""

import asyncio

import pytest

from tests.controlplane.kube import Kube
from tests.e2e.chart.release import PAUSE, Release, away_from, eventually, numbered, promise

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

NEAR = promise("node-1", max_rtt_ms="5")
"""Only node-2 keeps it, whatever node-2's links went through in the tests before. Without an SLA the expected RTT
decides, and after a minute at 40 ms the steady 10 ms of node-3 are rightly the better ones for a while."""


async def _stream(kube: Kube, names: list[str], stop: asyncio.Event) -> None:
    """A pod every half second that is best off on node-2."""
    for name in numbered("rolling"):
        await kube.pod(name, annotations=NEAR, containers=PAUSE, affinity=away_from("node-1"))
        names.append(name)
        if stop.is_set():
            return
        await asyncio.sleep(0.5)


async def test_pods_are_placed_by_latency_all_through_an_upgrade(kube: Kube, measured: Release) -> None:
    release, names, stop = measured, [], asyncio.Event()
    before = release.extender()
    creating = asyncio.create_task(_stream(kube, names, stop))
    flags = ("--set", "admission.enabled=true", "--set", "extender.settings.measuring_grace_s=25")
    await asyncio.to_thread(release.upgrade, *flags)
    await eventually("the end of the old pod", lambda: release.extender() != before)
    stop.set()
    await creating
    assert set((await kube.wait_bound(*names, timeout_s=60)).values()) == {"node-2"}
    for name in names:  # the placement's event says whether it rests on measurements
        assert "node-2" in await kube.wait_event(name, "LatencyPlacement")
        assert not [e for e in await kube.events_of(name) if "FailedScheduling" in e]

    # The admission policy that came with the upgrade: the workload names no scheduler.
    pod = await kube.pod("plain", annotations=NEAR, containers=PAUSE, affinity=away_from("node-1"), scheduler="")
    assert pod["spec"]["schedulerName"] == "neilats-scheduler"
    assert (await kube.wait_bound("plain"))["plain"] == "node-2"
    other = await kube.pod("other", containers=PAUSE, scheduler="")
    assert other["spec"]["schedulerName"] == "default-scheduler"
