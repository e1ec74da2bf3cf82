"""What makes kube-scheduler look again at a pod that an extender refused: the facts that waking pods relies on.

Measured with 1.36: untouched, a refused pod is tried again after 5 to 6 minutes. Any change of the pod, also of an
annotation, has it tried again after about 5 ms while no other pod is waiting (SchedulerPopFromBackoffQ, on since 1.33),
otherwise when its back-off ends: 1 s after the first attempt, doubling up to `podMaxBackoffSeconds` (10 s).
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.controlplane.kube import Kube
from tests.controlplane.plane import ControlPlane

pytestmark = [pytest.mark.controlplane, pytest.mark.timeout(120)]


class Refusal:
    """An extender that refuses every node with its `verdict`, until that is `allow`; `asked` counts the calls."""

    def __init__(self) -> None:
        self.verdict = "FailedAndUnresolvableNodes"
        self.asked = asyncio.Queue[None]()
        app = web.Application()
        app.add_routes([web.post("/filter", self._filter), web.post("/prioritize", self._prioritize)])
        self.server = TestServer(app)

    @property
    def url(self) -> str:
        return str(self.server.make_url("/"))

    async def _filter(self, request: web.Request) -> web.Response:
        args: dict[str, Any] = await request.json()
        self.asked.put_nowait(None)
        if self.verdict == "allow":
            return web.json_response({"NodeNames": args["NodeNames"]})
        return web.json_response({"NodeNames": [], self.verdict: dict.fromkeys(args["NodeNames"], "path too slow")})

    async def _prioritize(self, request: web.Request) -> web.Response:
        return web.json_response([])

    async def asked_within(self, seconds: float) -> bool:
        """Whether it is asked once more in so many seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.asked.get(), seconds)
            return True
        return False

    async def quiet(self, seconds: float) -> None:
        """Return once it has not been asked for so long."""
        while await self.asked_within(seconds):
            pass


@pytest.fixture
async def refusal() -> AsyncIterator[Refusal]:
    stub = Refusal()
    async with stub.server:
        yield stub


async def refused(kube: Kube, refusal: Refusal) -> None:
    """A pod that has been refused and is not tried any more."""
    await kube.nodes(["node-1", "node-2"])
    await kube.pod("web")
    assert await refusal.asked_within(10)
    await refusal.quiet(4)


async def annotate(kube: Kube, value: str) -> None:
    await kube.patch_pod("web", {"metadata": {"annotations": {"neilats.io/retry-at": value}}})


@pytest.mark.parametrize("verdict", ["FailedAndUnresolvableNodes", "FailedNodes"])
async def test_a_refused_pod_stays_pending_and_its_event_names_the_reason(
    plane: ControlPlane, kube: Kube, refusal: Refusal, verdict: str
) -> None:
    refusal.verdict = verdict
    with plane.scheduler(refusal.url):
        await refused(kube, refusal)
        assert await kube.pods() == {"web": ""}
        event = await kube.wait_event("web", "FailedScheduling")
        assert "0/2 nodes are available: 2 path too slow." in event


@pytest.mark.parametrize("verdict", ["FailedAndUnresolvableNodes", "FailedNodes"])
async def test_an_annotation_has_it_tried_again_at_once_and_as_often_as_it_changes(
    plane: ControlPlane, kube: Kube, refusal: Refusal, verdict: str
) -> None:
    refusal.verdict = verdict
    with plane.scheduler(refusal.url):
        await refused(kube, refusal)
        for value in "1234":
            began = time.monotonic()
            await annotate(kube, value)
            assert await refusal.asked_within(5)
            assert time.monotonic() - began < 1
        refusal.verdict = "allow"
        await annotate(kube, "5")
        assert (await kube.wait_bound("web", timeout_s=5))["web"]


async def test_the_same_annotation_again_changes_nothing(plane: ControlPlane, kube: Kube, refusal: Refusal) -> None:
    with plane.scheduler(refusal.url):
        await refused(kube, refusal)
        await annotate(kube, "1")
        assert await refusal.asked_within(5)
        await refusal.quiet(1)
        await annotate(kube, "1")
        assert not await refusal.asked_within(3)


async def test_an_older_scheduler_tries_again_when_the_back_off_ends(
    plane: ControlPlane, kube: Kube, refusal: Refusal
) -> None:
    flags = ["--feature-gates=SchedulerPopFromBackoffQ=false"]
    with plane.scheduler(refusal.url, flags=flags, podMaxBackoffSeconds=2):
        await refused(kube, refusal)
        for value in "12":
            await annotate(kube, value)
            assert await refusal.asked_within(5)
