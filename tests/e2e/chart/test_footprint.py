"""What a default install takes of the nodes."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest

from tests.controlplane.kube import Kube
from tests.e2e.chart.processes import cpu_s, process_of, resident_mb
from tests.e2e.chart.release import Release, placed, promise

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(500)]

PODS, AT_ONCE = 10_000, 24
STEADY_S = 30.0


async def test_probers_take_50_mb_and_a_hundredth_of_a_core_at_most(measured: Release) -> None:
    probers = [process_of("prober", p) for p in measured.pods("prober")]
    before, began = [cpu_s(p) for p in probers], time.monotonic()
    await asyncio.sleep(STEADY_S)
    took = time.monotonic() - began
    shares = [(cpu_s(p) - b) / took for p, b in zip(probers, before, strict=True)]
    assert max(resident_mb(p) for p in probers) <= 50
    assert max(shares) <= 0.01, shares


async def test_the_extender_takes_250_mb_at_most_also_with_ten_thousand_pods(kube: Kube, measured: Release) -> None:
    folder = process_of("extender", measured.pods("scheduler")[0])
    assert resident_mb(folder) <= 250
    await kube.namespace("crowd")
    try:
        await _crowd(kube)
        # An intent that names pods of that namespace has all of them read.
        wanted = promise(peer_pods="app=crowd") | {"neilats.io/max-rtt-ms": "5"}
        assert await placed(kube, "one-more", wanted, namespace="crowd")
        await asyncio.sleep(15)
        assert resident_mb(folder) <= 250
    finally:
        # One by one: a single request for all of them takes longer than the API server gives a request.
        await _for_all(await kube.pods("crowd"), lambda name: kube.delete_pod(name, "crowd"))
        await kube.ask("DELETE", "/api/v1/namespaces/crowd")


async def _crowd(kube: Kube) -> None:
    """Pods that no scheduler minds."""
    names = [f"crowd-{i}" for i in range(PODS)]
    crowd: dict[str, Any] = {"labels": {"app": "crowd"}, "scheduler": "nobody"}
    await _for_all(names, lambda name: kube.pod(name, namespace="crowd", **crowd))


async def _for_all(names: Iterable[str], act: Callable[[str], Awaitable[object]]) -> None:
    waiting = iter(names)

    async def some() -> None:
        for name in waiting:
            await act(name)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(some())
