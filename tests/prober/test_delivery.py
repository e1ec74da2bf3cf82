import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.delivery import MOST_SAMPLES, Delivery, Header
from prober.store import Store
from prober.wire import MAX_AGE_MS, Addresses, Report, SelfReport, decode_report, encode

HEADER = Header("me", "boot", 10_000.0, Addresses(ipv4="10.0.0.1"), SelfReport(mode="raw"))


class Rig:
    def __init__(self, targets: int = 1) -> None:
        self.store = Store(64)
        self.overrun: list[int] = []
        self.delivery = Delivery(self.store, lambda: HEADER, self.overrun.append)
        self.targets = targets

    def sample(self, now: float, value: float = 0.5) -> None:
        for i in range(self.targets):
            self.store.ring(f"n{i}").add(now, value)


def _values(report: Report) -> dict[str, list[float | None]]:
    found: dict[str, list[float | None]] = {}
    for target, run in report.runs():
        found.setdefault(target, []).extend(run.rtt_ms)
    return found


def test_each_report_brings_the_new_samples() -> None:
    rig = Rig()
    rig.sample(1000.0, 0.1)
    first = rig.delivery.report(1001.0)
    rig.delivery.accepted(resync=False)
    rig.sample(1010.0, 0.2)
    second = rig.delivery.report(1011.0)
    assert (first.seq, _values(first)) == (1, {"n0": [0.1]})
    assert (second.seq, _values(second)) == (2, {"n0": [0.2]})
    assert (second.node, second.boot, second.interval_ms) == ("me", "boot", 10_000.0)


def test_a_report_without_samples_still_goes_out() -> None:
    report = Rig().delivery.report(1000.0)
    assert (report.seq, report.samples) == (1, {})


def test_a_retransmission_keeps_number_and_samples_and_stamps_the_ages_anew() -> None:
    rig = Rig()
    rig.sample(1000.0, 0.1)
    first = rig.delivery.report(1001.0)
    rig.sample(1010.0, 0.2)
    again = rig.delivery.report(1011.0)
    assert (again.seq, _values(again)) == (first.seq, _values(first))
    assert [run.age_ms for _, run in first.runs()] == [1000.0]
    assert [run.age_ms for _, run in again.runs()] == [11_000.0]


def test_a_duplicate_counts_as_acknowledged() -> None:
    rig = Rig()
    rig.sample(1000.0, 0.1)
    rig.delivery.report(1001.0)
    assert rig.delivery.duplicate(1)
    rig.sample(1010.0, 0.2)
    report = rig.delivery.report(1011.0)
    assert (report.seq, _values(report)) == (2, {"n0": [0.2]})


def test_after_a_larger_number_the_next_report_goes_on_behind_it() -> None:
    rig = Rig()
    rig.delivery.report(1001.0)
    assert rig.delivery.duplicate(7)
    assert rig.delivery.report(1002.0).seq == 8


def test_a_smaller_number_acknowledges_nothing() -> None:
    rig = Rig()
    rig.delivery.report(1000.0)
    rig.delivery.accepted(resync=False)
    rig.sample(1000.0, 0.1)
    report = rig.delivery.report(1001.0)
    assert not rig.delivery.duplicate(1)
    assert rig.delivery.report(1001.0) == report


def test_a_resync_brings_the_whole_ring_and_says_so() -> None:
    rig = Rig()
    for i in range(5):
        rig.sample(1000.0 + i, 0.1 * i)
        rig.delivery.report(1000.5 + i)
        rig.delivery.accepted(resync=i == 4)
    assert rig.delivery.unfinished
    report = rig.delivery.report(1010.0)
    assert report.full
    assert len(_values(report)["n0"]) == 5
    rig.delivery.accepted(resync=False)
    assert not rig.delivery.unfinished
    assert not rig.delivery.report(1011.0).full


def test_a_report_that_is_too_large_is_halved_until_it_fits() -> None:
    rig = Rig(targets=10)
    rig.sample(1000.0)
    assert len(rig.delivery.report(1001.0).samples) == 10
    assert rig.delivery.too_large()
    assert rig.delivery.too_large()
    seen: dict[str, int] = {}
    seqs = []
    for _ in range(6):
        report = rig.delivery.report(1001.0)
        seqs.append(report.seq)
        for target in report.samples:
            seen[target] = seen.get(target, 0) + 1
        rig.delivery.accepted(resync=False)
        if not rig.delivery.unfinished:
            break
    assert seqs == list(range(1, len(seqs) + 1))
    assert seen == {f"n{i}": 1 for i in range(10)}


def test_only_the_first_part_of_a_split_ring_says_that_it_is_full() -> None:
    rig = Rig(targets=4)
    rig.sample(1000.0)
    rig.delivery.report(1001.0)
    rig.delivery.accepted(resync=True)
    assert rig.delivery.report(1002.0).full
    rig.delivery.too_large()
    first = rig.delivery.report(1002.0)
    rig.delivery.accepted(resync=False)
    second = rig.delivery.report(1002.0)
    assert (first.full, second.full) == (True, False)


def test_one_target_cannot_be_split() -> None:
    rig = Rig()
    rig.sample(1000.0)
    rig.delivery.report(1001.0)
    assert not rig.delivery.too_large()


def test_a_report_that_waited_for_a_day_is_still_valid() -> None:
    rig = Rig()
    rig.sample(1000.0, 0.1)
    rig.sample(1010.0, 0.2)
    rig.delivery.report(1011.0)
    late = rig.delivery.report(1011.0 + MAX_AGE_MS / 1000)
    assert late.samples == {}
    decode_report(encode(late))


@given(st.lists(st.sampled_from(["sample", "accept", "resync", "fail", "duplicate", "large"]), max_size=60))
def test_every_sample_arrives_once_and_in_order_whatever_happens(events: list[str]) -> None:
    rig, now, made = Rig(targets=3), 1000.0, 0
    got: dict[str, list[float | None]] = {f"n{i}": [] for i in range(3)}
    last_seq = 0

    def apply(report: Report) -> None:
        nonlocal last_seq
        decode_report(encode(report))
        assert report.seq == last_seq + 1
        last_seq = report.seq
        if report.full:
            for values in got.values():
                values.clear()
        for target, values in _values(report).items():
            got[target] += values

    for event in [*events, "accept", *["accept"] * 6]:
        now += 1
        if event == "sample" and made < 60:
            made += 1
            rig.sample(now, float(made))
        report = rig.delivery.report(now)
        if event == "accept":
            apply(report)
            rig.delivery.accepted(resync=False)
        elif event == "resync":
            apply(report)
            rig.delivery.accepted(resync=True)
        elif event == "duplicate":  # applied, but the answer was lost
            apply(report)
            assert rig.delivery.duplicate(report.seq)
        elif event == "large":
            rig.delivery.too_large()
    assert got == {f"n{i}": [float(k + 1) for k in range(made)] for i in range(3)}


def test_the_store_may_forget_targets_that_were_acknowledged() -> None:
    rig = Rig(targets=2)
    rig.sample(1000.0)
    rig.delivery.report(1001.0)
    rig.delivery.accepted(resync=False)
    rig.store.retire("n0", 1002.0)
    rig.sample(5000.0)  # n0 is back, behind its old samples
    report = rig.delivery.report(5001.0)
    assert _values(report) == {"n0": [0.5], "n1": [0.5]}
    assert [run.age_ms for _, run in report.runs()] == pytest.approx([1000.0, 1000.0])


def test_whole_rings_come_in_several_reports_of_which_only_the_first_says_so() -> None:
    rig = Rig(targets=200)
    for i in range(64):
        rig.sample(1000.0 + i, float(i))
    rig.delivery.report(1100.0)
    rig.delivery.accepted(resync=True)
    reports = []
    while rig.delivery.unfinished:
        reports.append(rig.delivery.report(1101.0))
        rig.delivery.accepted(resync=False)
    assert [report.full for report in reports] == [True, False, False, False]
    assert all(sum(len(values) for values in _values(r).values()) <= MOST_SAMPLES for r in reports)
    assert sorted(t for r in reports for t in r.samples) == sorted(f"n{i}" for i in range(200))
    assert all(values == [float(i) for i in range(64)] for r in reports for values in _values(r).values())


def test_samples_that_the_ring_could_not_keep_are_counted_once() -> None:
    rig = Rig(targets=2)
    rig.sample(1000.0)
    rig.delivery.report(1001.0)  # on its way for long
    for i in range(70):
        rig.sample(1010.0 + i)
    rig.delivery.report(1100.0)
    rig.delivery.accepted(resync=False)
    assert rig.overrun == []
    rig.delivery.report(1101.0)
    rig.delivery.report(1102.0)
    assert rig.overrun == [2 * (70 - 64)]
    rig.delivery.accepted(resync=False)
    rig.delivery.report(1103.0)
    assert rig.overrun == [12]
