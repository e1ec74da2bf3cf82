"""Reports through the real listener: what is applied, what is answered, what is asked for again."""

import numpy as np

from tests.extender.conftest import NODES
from tests.extender.slow_windows import SlowStore


def run(rtt_ms, age_ms=0, step_ms=10000):
    return {"age_ms": age_ms, "step_ms": step_ms, "rtt_ms": rtt_ms}


async def reply(bench, node, samples=None, /, **fields):
    response = await bench.report(node, samples or {}, **fields)
    assert response.status == 200, await response.text()
    return await response.json()


def window(bench, source, target):
    store = bench.extender.store
    return store.windows(store.rows([source], [target]), bench.clock.now)[0]


async def test_lost_and_unmeasured_samples_stay_apart(bench):
    await reply(bench, "node-2", {"node-1": run([1.0, -1, None, 2.0])})
    np.testing.assert_array_equal(window(bench, "node-2", "node-1")[-4:], [1.0, np.inf, np.nan, 2.0])
    for kind, count in (("measured", 2), ("lost", 1), ("unmeasured", 1)):
        assert bench.metric("neilats_extender_samples_total", kind=kind) == count


async def test_ages_place_samples_in_time(bench, clock):
    await reply(bench, "node-2", {"node-1": run([1.0, 2.0], age_ms=4000)})
    rows = bench.extender.store.rows(["node-2"], ["node-1"])
    assert bench.extender.store.age_s(rows, clock.now).tolist() == [4.0]


async def test_a_target_may_have_several_runs_with_different_steps(bench):
    burst, regular = run([5.0, 5.0, 6.0], age_ms=20_000, step_ms=1000), run([7.0, 8.0])
    await reply(bench, "node-2", {"node-1": [regular, burst]})
    np.testing.assert_array_equal(window(bench, "node-2", "node-1")[-3:], [5.0, 7.0, 8.0])


async def test_a_first_report_that_is_not_the_first_asks_for_the_whole_ring(bench):
    bench.seq["node-2"] = 6
    assert (await reply(bench, "node-2"))["resync"] is True
    assert (await reply(bench, "node-2", {"node-1": run([1.0] * 64)}, full=True))["resync"] is False
    assert np.isfinite(window(bench, "node-2", "node-1")).all()


async def test_reports_that_come_before_the_nodes_are_known_may_come_again(bench):
    bench.extender.cluster.synced = False
    response = await bench.report("node-2", {"node-1": run([1.0])})
    assert response.status == 503
    bench.extender.cluster.synced, bench.seq["node-2"] = True, 0
    await reply(bench, "node-2", {"node-1": run([1.0])})


async def test_a_gap_in_the_numbers_asks_for_the_whole_ring(bench):
    assert (await reply(bench, "node-2"))["resync"] is False
    bench.seq["node-2"] += 3
    assert (await reply(bench, "node-2", {"node-1": run([1.0])}))["resync"] is True


async def test_a_new_boot_starts_numbers_anew_without_a_resync(bench):
    bench.seq["node-2"] = 4
    await reply(bench, "node-2")
    bench.seq["node-2"] = 0
    assert bench.metric("neilats_extender_prober_restarts_total") == 0
    assert (await reply(bench, "node-2", boot="b2"))["resync"] is False
    assert bench.metric("neilats_extender_prober_restarts_total") == 1


async def test_a_boot_may_be_a_number(bench):
    assert (await reply(bench, "node-2", boot=1790000000))["resync"] is False


async def test_a_whole_ring_replaces_what_was_half_known(bench):
    await reply(bench, "node-2", {"node-1": run([9.0])})
    await reply(bench, "node-2", {"node-1": run([1.0, 2.0, 3.0])}, full=True)
    np.testing.assert_array_equal(window(bench, "node-2", "node-1")[-4:], [np.nan, 1.0, 2.0, 3.0])


async def test_targets_are_all_other_nodes_that_have_an_address(bench):
    for i, node in enumerate(NODES[:3], 1):
        answer = await reply(bench, node, addresses={"ipv4": f"10.0.0.{i}", "udp_port": 9428})
    assert answer["interval_ms"] == 10000
    assert answer["targets"] == [
        {"node": "node-1", "address": "10.0.0.1", "udp_port": 9428},
        {"node": "node-2", "address": "10.0.0.2", "udp_port": 9428},
    ]


async def test_both_ends_need_a_family_in_common_and_ipv4_goes_first(bench):
    await reply(bench, "node-1", addresses={"ipv4": "10.0.0.1", "ipv6": "fd00::1"})
    await reply(bench, "node-2", addresses={"ipv6": "fd00::2"})
    await reply(bench, "node-3", addresses={"ipv4": "10.0.0.3", "ipv6": "fd00::3"})
    found = {
        n: await reply(bench, n, addresses=a)
        for n, a in (("node-2", {"ipv6": "fd00::2"}), ("node-4", {"ipv4": "10.0.0.4"}))
    }
    assert [t["address"] for t in found["node-2"]["targets"]] == ["fd00::1", "fd00::3"]
    assert [t["address"] for t in found["node-4"]["targets"]] == ["10.0.0.1", "10.0.0.3"]


async def test_a_udp_prober_is_told_only_of_echoes_that_have_said_where_they_listen(bench):
    await reply(bench, "node-1", addresses={"ipv4": "10.0.0.1"})
    await reply(bench, "node-3", addresses={"ipv4": "10.0.0.3", "udp_port": 9428})
    answer = await reply(bench, "node-2", addresses={"ipv4": "10.0.0.2", "udp_port": 9428}, **{"self": {"mode": "udp"}})
    assert [t["node"] for t in answer["targets"]] == ["node-3"]


async def test_the_family_can_be_set(make_bench):
    bench = await make_bench(ip_family="ipv6")
    await reply(bench, "node-1", addresses={"ipv4": "10.0.0.1", "ipv6": "fd00::1"})
    answer = await reply(bench, "node-3", addresses={"ipv4": "10.0.0.3", "ipv6": "fd00::3"})
    assert [t["address"] for t in answer["targets"]] == ["fd00::1"]


async def test_pooled_noise_follows_the_reports(bench, clock):
    noise = bench.extender.decider.scorer._noise
    assert np.isnan(noise.of(["node-2"], clock.now, 40)).all()
    await reply(bench, "node-2", {"node-1": run([1.0] * 20 + [50.0] * 20)})
    curve = noise.of(["node-2"], clock.now, 40)[0]
    assert curve[0] == 0.5  # half of the samples exceed the floor
    clock.forward(100)
    assert np.isnan(noise.of(["node-2"], clock.now, 40)).all()


async def test_nodes_that_are_gone_for_ten_minutes_are_forgotten(bench, clock):
    await bench.star("node-1", {"node-2": 1.0, "node-3": 2.0})
    cluster = bench.extender.cluster
    cluster.nodes = {n: info for n, info in cluster.nodes.items() if n != "node-2"}
    bench.extender.housekeeper.tidy()
    clock.forward(500)
    bench.extender.housekeeper.tidy()
    assert len(bench.extender.store) == 2
    clock.forward(101)
    bench.extender.housekeeper.tidy()
    assert len(bench.extender.store) == 1
    assert set(bench.extender.ingest.sources) == {"node-3"}


async def test_a_ring_with_a_burst_in_it_reads_as_if_each_sample_had_come_on_its_own(bench, clock):
    burst = [4.0, 6.0, np.inf]
    regular = [1.0, np.nan, 2.0, 7.0, 8.0]
    await reply(
        bench,
        "node-2",
        {"node-1": [run([1.0, None, 2.0], age_ms=50_000), run([4.0, 6.0, -1], 37_000, 1000), run([7.0, 8.0])]},
        full=True,
    )
    slow = SlowStore(64, 10.0)
    ages = [70, 60, 50, 10, 0]
    found = sorted([*zip(ages, regular, strict=True), *zip([39, 38, 37], burst, strict=True)], reverse=True)
    rows = slow.ensure("node-2", ["node-1"])
    for age_s, rtt_ms in found:
        slow.append(rows, np.array([clock.now - age_s]), np.array([rtt_ms]))
    np.testing.assert_array_equal(window(bench, "node-2", "node-1"), slow.windows(rows, clock.now)[0])
    assert np.isfinite(slow.windows(rows, clock.now)).sum() == 5


async def test_targets_that_are_no_nodes_are_counted_and_the_others_kept(bench):
    await reply(
        bench, "node-2", {"gone": run([1.0, 2.0]), "node-1": run([3.0]), "lost": run([4.0]), "node-3": run([5.0])}
    )
    assert window(bench, "node-2", "node-1")[-1] == 3.0
    assert window(bench, "node-2", "node-3")[-1] == 5.0
    assert bench.metric("neilats_extender_samples_total", kind="unknown_target") == 3
    assert bench.metric("neilats_extender_samples_total", kind="measured") == 2


async def test_a_report_that_comes_again_changes_nothing(bench):
    await reply(bench, "node-2", {"node-1": run([1.0])})
    bench.seq["node-2"] = 0
    again = await bench.report("node-2", {"node-1": run([9.0])}, full=True)
    assert again.status == 409
    assert window(bench, "node-2", "node-1")[-1] == 1.0
