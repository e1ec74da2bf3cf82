"""What is remembered of nodes is what would be computed anew, whatever comes in whichever order."""

import asyncio
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from extender import tracked
from extender.analysis import Analyst
from extender.candidates import Candidates
from extender.cluster.base import Resolution
from extender.intents import Intent
from extender.metrics import Metrics
from extender.noise import NoiseTable
from extender.scorer import Scorer
from extender.skill import Skill
from extender.standings import Standings
from extender.standingtable import StandingTable
from extender.verdicts import judge, over_peers, promised_ms
from extender.violations import Violations
from extender.windows import WindowStore
from extender.worker import Worker
from models.holder import Models

NODES = tuple(f"node-{i}" for i in range(5))
PEERS = NODES[:2]
FRESH_S = 40.0


class Unfading(WindowStore):
    """A store whose long memory does not fade with time: in that, what is remembered may be a slot old."""

    def long_memory(self, rows, now):
        return self._written.long[rows].astype(np.float64)


@dataclass
class Share:
    """An estimator that says how many of the samples are above the SLA, and nothing of very few samples."""

    name: str = "share"

    def violation(self, paths, sla_ms):
        samples = (~np.isnan(paths.windows)).sum(axis=1)
        above = (paths.windows > sla_ms).sum(axis=1)
        return np.where(samples >= 3, above / np.maximum(samples, 1), np.nan)


class Guesses:
    """Estimates of some paths that change with each fit."""

    def __init__(self):
        self.generation = 0

    def of(self, peer, names):
        seeds = [hash_of(peer, name, self.generation) for name in names]
        rtt_ms = np.array([np.nan if seed % 3 == 0 else 0.5 + seed % 11 for seed in seeds])
        return rtt_ms, np.where(np.isnan(rtt_ms), np.nan, 0.3)


def hash_of(*parts):
    return crc32(repr(parts).encode())


class World:
    """Two scorers on one store: one remembers, the other computes; each has forecasts of its own."""

    def __init__(self, estimator=None, guesses=None):
        self.now, self.guesses = 1000.0, guesses
        self.store = Unfading(8, 10.0)
        self.noise = NoiseTable(self.store)
        self.workers = [Worker(), Worker()]
        self.models = Models(1, estimator=estimator)
        self.cached, self.plain = (self._scorer(worker) for worker in self.workers)

    def _scorer(self, worker):
        metrics = Metrics(CollectorRegistry(), "test")
        skill, analyst = Skill(self.store, metrics), Analyst(self.store, lambda: self.models, worker)
        clock = lambda: self.now  # noqa: E731
        violations = Violations(self.store, lambda: self.models, worker, skill, metrics, clock)
        return Scorer(self.store, self.noise, analyst, violations, "forecast", FRESH_S, clock, self.guesses)

    def report(self, source, rtt_ms):
        rows = self.store.ensure(source, [n for n in NODES if n != source])
        self.store.append(rows, np.full(len(rows), self.now), np.full(len(rows), rtt_ms) + np.arange(len(rows)))

    def close(self):
        for worker in self.workers:
            worker.close()

    async def compare(self, intent, names):
        """Both ways give the same, to the last bit."""
        resolution = Resolution(intent.peer_nodes, tuple(1.0 + 0.5 * i for i in range(len(intent.peer_nodes))))
        end = asyncio.get_running_loop().time() + 60
        ours = await self.cached.rank(intent, resolution, self.cached.standings.candidates(names), end)
        theirs = (await self.plain.score(intent, resolution, names, end)).table
        assert isinstance(ours, StandingTable)
        for field in ("cost", "noise", "status"):
            np.testing.assert_array_equal(
                getattr(ours.evaluation.costs, field), getattr(theirs.evaluation.costs, field), field
            )
        np.testing.assert_array_equal(ours.evaluation.scores, theirs.evaluation.scores)
        assert ours.evaluation.known == theirs.evaluation.known
        assert (ours.evaluation.measured, ours.note) == (theirs.evaluation.measured, theirs.note)
        assert list(ours.unknown()) == list((await self.plain.score(intent, resolution, names, end)).unknown())
        self.compare_shown(ours.settled(), theirs)
        self.compare_promises(intent, resolution, names)

    @staticmethod
    def compare_shown(ours, theirs):
        for mine, other in zip(ours.paths, theirs.paths, strict=True):
            np.testing.assert_array_equal(mine.direction, other.direction)
            np.testing.assert_array_equal(mine.samples, other.samples)
            assert list(mine.forecaster) == list(other.forecaster)
            for name, column in other.columns.items():
                np.testing.assert_allclose(mine.columns[name], column, rtol=1e-9, err_msg=name)

    def compare_promises(self, intent, resolution, names):
        candidates = self.cached.standings.candidates(names)
        found = self.cached.promises(resolution.nodes, candidates, promised_ms(intent), intent.legacy, np.inf)
        ours = over_peers(intent, found, resolution.weights)
        gathered = [self.plain.recent(peer, names) for peer in resolution.nodes]
        theirs = judge(intent, gathered, resolution.weights)
        for field in ("codes", "pick", "recovering"):
            np.testing.assert_array_equal(getattr(ours, field), getattr(theirs, field), field)


RTTS = st.sampled_from([0.5, 2.0, 4.0, 6.0, 30.0, np.inf, np.nan])
NAMES = st.lists(st.sampled_from((*NODES, "stranger", "another")), min_size=1, max_size=7, unique=True)
INTENTS = st.builds(
    Intent,
    peer_nodes=st.sampled_from([PEERS[:1], PEERS[1:], PEERS]),
    policy=st.sampled_from(["all", "mean", "any"]),
    max_rtt_ms=st.sampled_from([None, 5.0, 3.0]),
    profile=st.sampled_from(["", "attainment", "forecast"]),
    legacy=st.booleans(),
)
STEPS = st.one_of(
    st.tuples(st.just("report"), st.sampled_from(NODES), RTTS),
    st.tuples(st.just("report"), st.sampled_from(NODES), RTTS),
    st.tuples(st.just("forward"), st.sampled_from([0.5, 3.0, 10.0, 14.0, 30.0, 45.0, 130.0])),
    st.tuples(st.just("forget"), st.sampled_from(NODES[1:])),
    st.tuples(st.just("restart"), st.sampled_from(NODES)),
    st.tuples(st.just("fit")),
    st.tuples(st.just("ask"), INTENTS, NAMES),
    st.tuples(st.just("ask"), INTENTS, NAMES),
)


async def _play(world, steps):
    for what, *args in steps:
        if what == "report":
            world.report(*args)
        elif what == "forward":
            world.now += args[0]
        elif what == "forget":
            world.store.forget(*args)
        elif what == "restart":
            world.store.restart(*args)
        elif what == "fit":
            world.guesses.generation += 1
        else:
            await world.compare(*args)


@settings(deadline=None)
@given(st.sampled_from([None, Share()]), st.lists(STEPS, min_size=4, max_size=30), INTENTS)
def test_remembered_scores_and_promises_are_those_computed_anew(estimator, steps, last):
    world = World(estimator, Guesses())
    try:
        asyncio.run(_play(world, [*steps, ("ask", last, NODES)]))
    finally:
        world.close()


async def test_a_decision_shows_the_windows_that_it_was_made_from():
    world = World()
    for _ in range(6):
        world.now += 10
        world.report("node-1", 2.0)
    intent, resolution = Intent(peer_nodes=("node-0",), max_rtt_ms=5.0), Resolution(("node-0",), (1.0,))
    end = asyncio.get_running_loop().time() + 60
    tables = []
    for rtt_ms in (30.0, 60.0):
        tables.append(await world.cached.rank(intent, resolution, world.cached.standings.candidates(NODES[1:2]), end))
        world.now += 10
        world.report("node-1", rtt_ms)
    assert [table.settled().paths[0].columns["last_ms"][0] for table in tables] == [2.0, 30.0]
    assert [table.settled().paths[0].columns["age_s"][0] for table in tables] == [0.0, 0.0]
    world.close()


async def test_nothing_is_computed_for_paths_that_have_not_moved_on():
    world = World()
    world.report("node-1", 2.0)
    world.report("node-2", 3.0)
    standing = world.cached.standings.costs(world.cached.standings.candidates(NODES).index, "node-0", 5.0)
    places = world.cached.standings.candidates(NODES).places
    first = standing.of(places, world.now, forecast=False)
    assert standing.of(places[::-1], world.now + 1, forecast=False) is first
    before = standing.moves(places)
    world.report("node-2", 4.0)
    standing.of(places, world.now + 1, forecast=False)
    assert (standing.moves(places) - before).tolist() == [0, 0, 1, 0, 0]
    world.close()


async def test_forecasts_that_answer_from_memory_stay_among_those_computed_ahead():
    world = World(Share())
    for _ in range(5):
        world.now += 10
        world.report("node-1", 2.0)
    standings, end = world.cached.standings, asyncio.get_running_loop().time() + 60
    candidates = standings.candidates(NODES)
    intent, resolution = Intent(peer_nodes=("node-0",), max_rtt_ms=5.0), Resolution(("node-0",), (1.0,))
    await world.cached.rank(intent, resolution, candidates, end)
    asked = world.now
    world.now += 5
    table = standings._violations.tables.of("node-0", 5.0)
    await world.cached.rank(intent, resolution, candidates, end)
    assert table.asked_since(asked + 1) == []
    standings.costs(candidates.index, "node-0", 5.0).asked(candidates.places)
    assert table.asked_since(asked + 1) == ["node-1"]
    world.close()


def test_what_is_remembered_is_bounded_in_entries_and_names():
    world = World()
    standings = Standings(world.store, world.noise, None, FRESH_S, lambda: world.now, entries=3, most_names=10)
    for i in range(8):
        candidates = standings.candidates([f"n-{i}-{j}" for j in range(3)])
        standings.costs(candidates.index, f"peer-{i}", 5.0).of(candidates.places, world.now, forecast=False)
        standings.promises(candidates.index, f"peer-{i}", 5.0, legacy=False).of(candidates.places, world.now)
        assert len(standings) <= 6
        assert len(candidates.index) <= 15
    world.now += 1000
    standings.tidy()
    assert len(standings) == 0
    world.close()


def test_candidates_of_a_forgotten_index_are_still_answered():
    world = World()
    world.report("node-1", 2.0)
    standings = Standings(world.store, world.noise, None, FRESH_S, lambda: world.now, most_names=3)
    before = standings.candidates(NODES)
    standings.candidates(["else"])
    assert standings.candidates(["else"]).index is not before.index
    snapshot = standings.costs(before.index, "node-0", 5.0).of(before.places, world.now, forecast=False)
    assert snapshot.columns["known"].tolist() == [False, True, False, False, False]
    assert Candidates(before.index, before.places).names == list(NODES)
    world.close()


async def test_while_they_are_kept_up_to_date_calls_take_what_is_there_and_find_it_ready():
    world = World()
    world.report("node-1", 2.0)
    standings, rested = world.cached.standings, []
    candidates = standings.candidates(NODES)
    standing = standings.costs(candidates.index, "node-0", 5.0)
    kept = standings.promises(candidates.index, "node-0", 5.0, legacy=False)
    first = standing.of(candidates.places, world.now, forecast=True)
    kept.of(candidates.places, world.now)
    standings.slack.seconds = 1.0
    world.now += 0.5
    world.report("node-1", 30.0)
    assert standing.of(candidates.places, world.now, forecast=True) is first

    async def rest(seconds):
        rested.append(seconds)

    await standings.refresh(rest)
    moves = standing.moves(candidates.places)
    second = standing.of(candidates.places, world.now, forecast=True)
    assert second is not first
    assert (standing.moves(candidates.places) == moves).all()
    assert len(rested) >= 3
    world.report("node-1", 30.0)
    world.now += 1.0
    assert standing.of(candidates.places, world.now, forecast=True) is not second
    world.close()


def refreshed_one_by_one(world, monkeypatch):
    """A standing towards node-0 with what it said first, of which two paths have moved since, and its refreshing."""
    monkeypatch.setattr(tracked, "SLICE", 1)
    for node in NODES[1:]:
        world.report(node, 2.0)
    standings = world.cached.standings
    candidates = standings.candidates(NODES)
    standing = standings.costs(candidates.index, "node-0", 5.0)
    first = standing.of(candidates.places, world.now, forecast=True)
    standings.slack.seconds = 1.0
    world.now += 0.4
    for node in NODES[1:3]:
        world.report(node, 30.0)
    return standing, candidates.places, first


def test_calls_take_what_was_there_before_until_all_that_moved_is_renewed(monkeypatch):
    world = World()
    standing, places, first = refreshed_one_by_one(world, monkeypatch)
    round_of_work = standing.refreshing(world.now)
    next(round_of_work)
    assert standing.of(places, world.now, forecast=True) is first
    for _ in round_of_work:
        pass
    second = standing.of(places, world.now, forecast=True)
    assert (second.columns["naive"][1:3] > first.columns["naive"][1:3]).all()
    world.close()


def test_what_a_round_that_was_given_up_left_is_renewed_by_the_next_one(monkeypatch):
    world = World()
    standing, places, first = refreshed_one_by_one(world, monkeypatch)
    given_up = standing.refreshing(world.now)
    next(given_up)
    given_up.close()
    for _ in standing.refreshing(world.now):
        pass
    assert (standing.moves(places) - first.columns["moves"][places] == [0, 1, 1, 0, 0]).all()
    world.close()


async def test_a_new_peers_model_is_asked_before_anything_is_worked_out_from_the_past_alone():
    world = World(Share())
    for _ in range(5):
        for node in NODES[1:]:
            world.report(node, 2.0)
        world.now += 10.0
    intent = Intent(peer_nodes=("node-0",), max_rtt_ms=5.0)
    await world.compare(intent, NODES)
    standings = world.cached.standings
    candidates = standings.candidates(NODES)
    found = standings.costs(candidates.index, "node-0", 5.0).of(candidates.places, world.now, forecast=True)
    assert np.isnan(found.plain.cost[1:]).all()
    world.close()
