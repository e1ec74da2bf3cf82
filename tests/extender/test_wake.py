"""Refused pods are woken when their answer changes, and only then."""

import asyncio
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from extender import wake
from extender.candidates import Candidates, NodeIndex, Refused
from extender.intents import Intent
from extender.metrics import Metrics
from extender.pods import Pod
from extender.selectors import parse_selector
from extender.wake import ANNOTATION, Waker
from tests.extender.conftest import Clock

POD = Pod("shop", "p", "u1")
INTENT = Intent(peer_nodes=("a",), max_rtt_ms=5, mode="require")
MEASURING, BREAKS = "measuring path to a", "path to a breaks 5 ms"


@dataclass
class World:
    """A waker whose reviews and annotations are the test's."""

    now: dict[str, str] = field(default_factory=dict)
    woken: list[str] = field(default_factory=list)
    works: bool = True
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self):
        async def review(pod, intent, names):
            return {n: self.now[n] for n in names if n in self.now}

        async def annotate(pod, annotations):
            assert list(annotations) == [ANNOTATION]
            self.woken.append(pod.name)
            return self.works

        self.metrics = Metrics(CollectorRegistry(), "test")
        self.waker = Waker(review, annotate, self.metrics, self.clock, lambda: "now")


@pytest.fixture
def world():
    return World()


@pytest.mark.parametrize(
    ("before", "now", "wakes"),
    [
        ({"b": BREAKS, "c": BREAKS}, {"b": BREAKS}, True),
        ({"b": BREAKS}, {"b": BREAKS}, False),
        ({"b": MEASURING}, {"b": MEASURING}, False),
        ({"b": MEASURING}, {"b": BREAKS}, True),
        ({"b": MEASURING}, {}, True),
        ({"b": BREAKS}, {"b": "path to a breaks 5 ms now"}, False),
    ],
    ids=["a node became good", "still bad", "still measuring", "measured and bad", "measured and good", "other words"],
)
async def test_a_pod_is_woken_when_its_refusals_change(world, before, now, wakes):
    world.now = now
    world.waker.refused(POD, INTENT, before)
    await world.waker.look()
    assert bool(world.woken) is wakes


async def test_a_pod_that_keeps_being_refused_is_woken_ever_more_slowly(world):
    world.now = {}
    times = []
    for _ in range(200):
        before = len(world.woken)
        world.waker.refused(POD, INTENT, {"b": BREAKS})
        await world.waker.look()
        if len(world.woken) > before:
            times.append(world.clock.now)
        world.clock.forward(1)
    gaps = [b - a for a, b in pairwise(times)]
    assert gaps == [2, 4, 8, 16, 32, 60, 60]


async def test_a_pod_that_passes_the_filter_waits_for_something_else_and_is_left_alone(world):
    world.waker.refused(POD, INTENT, {"b": BREAKS})
    world.waker.refused(POD, INTENT, {})
    await world.waker.look()
    assert world.woken == []


async def test_a_failing_look_or_patch_of_one_pod_leaves_the_others_and_the_task_alive(world):
    async def review(pod, intent, names):
        if pod.name == "p":
            raise OSError("network down")
        return {}

    async def annotate(pod, annotations):
        world.woken.append(pod.name)
        raise OSError("network down")

    world.waker._review, world.waker._annotate = review, annotate
    for i, name in enumerate("pqr"):
        world.waker.refused(Pod("shop", name, f"u{i}"), replace(INTENT, max_rtt_ms=5 + i), {"b": BREAKS})
    await world.waker.look()
    assert sorted(world.woken) == ["q", "r"]


async def test_pods_that_were_refused_alike_are_one_look_and_others_have_their_own(world):
    looks = []

    async def review(pod, intent, names):
        looks.append(pod.name)
        return {}

    world.waker._review = review
    index = NodeIndex()
    for i in range(5):
        places = index.places(["b", "c"] if i % 2 else ["c", "b"])
        refused = Refused(Candidates(index, places), [(BREAKS, np.array([0, 1]))])
        world.waker.refused(Pod("shop", f"p{i}", f"u{i}"), INTENT, refused)
    selecting = replace(INTENT, peer_nodes=(), peer_pods=parse_selector("app=db"))
    for i in range(2):
        world.waker.refused(Pod("shop", f"s{i}", f"v{i}", owner=f"o{i}"), selecting, {"b": BREAKS})
    world.waker.refused(Pod("shop", "other", "w"), INTENT, {"b": MEASURING, "c": BREAKS})
    await world.waker.look()
    assert looks == ["p0", "s0", "s1", "other"]
    assert len(world.woken) == 8


async def test_a_pod_settled_while_others_are_looked_at_is_not_woken(world):
    async def review(pod, intent, names):
        world.waker.settled(Pod("shop", "q", "u2"))
        return {}

    world.waker._review = review
    world.waker.refused(POD, INTENT, {"b": BREAKS})
    world.waker.refused(Pod("shop", "q", "u2"), INTENT, {"b": BREAKS})
    await world.waker.look()
    assert world.woken == ["p"]


async def test_bound_pods_and_pods_with_invalid_intents_are_left_alone(world):
    world.waker.refused(POD, INTENT, {"b": BREAKS})
    world.waker.settled(POD)
    world.waker.refused(Pod("shop", "q", "u2"), Intent(mistakes=("no",)), {"b": "invalid"})
    await world.waker.look()
    assert world.woken == []


async def test_wakes_are_counted_also_when_they_fail(world):
    world.works = False
    world.waker.refused(POD, INTENT, {"b": BREAKS})
    await world.waker.look()
    assert world.metrics.registry.get_sample_value("neilats_extender_pod_wakes_total", {"outcome": "failed"}) == 1


async def test_pods_that_nobody_asked_about_for_an_hour_are_forgotten(world):
    world.waker.refused(POD, INTENT, {"b": BREAKS})
    world.clock.forward(3601)
    await world.waker.look()
    assert world.woken == []


async def test_a_look_that_fails_is_logged_and_the_next_one_comes(world, monkeypatch, caplog):
    async def broken():
        raise ValueError("odd")

    monkeypatch.setattr(wake, "PERIOD_S", 0.001)
    world.waker.look = broken
    running = asyncio.create_task(world.waker.run())
    async with asyncio.timeout(5):
        while len(caplog.records) < 2:
            await asyncio.sleep(0.001)
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
