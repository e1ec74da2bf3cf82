from prober.store import RETAIN_S, Store
from prober.wire import Run


def _store() -> Store:
    store = Store(64)
    for i in range(3):
        store.ring("a").add(1000.0 + i, 0.1 * (i + 1))
    store.ring("b").add(1000.0, -1.0)
    return store


def _values(runs: list[Run]) -> list[float | None]:
    return [v for run in runs for v in run.rtt_ms]


def test_everything_is_collected_when_nothing_was_acknowledged() -> None:
    pieces = dict(_store().collect({}, 1010.0))
    assert {target: _values(p.runs) for target, p in pieces.items()} == {"a": [0.1, 0.2, 0.3], "b": [-1.0]}


def test_only_what_lies_behind_the_acknowledgement_is_collected() -> None:
    store = _store()
    upto = {target: piece.upto for target, piece in store.collect({}, 1010.0)}
    assert dict(store.collect(upto, 1010.0)) == {}
    store.ring("b").add(1010.0, 0.4)
    pieces = dict(store.collect(upto, 1011.0))
    assert {target: _values(p.runs) for target, p in pieces.items()} == {"b": [0.4]}


def test_a_removed_target_stays_reportable_for_a_while() -> None:
    store = _store()
    store.retire("a", 1010.0)
    assert "a" in dict(store.collect({}, 1010.0 + RETAIN_S))
    assert "a" not in dict(store.collect({}, 1011.0 + RETAIN_S))


def test_a_target_that_comes_back_keeps_its_samples() -> None:
    store = _store()
    store.retire("a", 1010.0)
    store.ring("a")
    assert _values(dict(store.collect({}, 1020.0 + RETAIN_S))["a"].runs) == [0.1, 0.2, 0.3]


def test_an_old_acknowledgement_hides_nothing_of_a_new_ring() -> None:
    store = _store()
    acknowledged = {"a": dict(store.collect({}, 1010.0))["a"].upto}
    store.retire("a", 1010.0)
    dict(store.collect({}, 1011.0 + RETAIN_S))
    store.ring("a").add(2000.0, 0.9)
    assert _values(dict(store.collect(acknowledged, 2001.0))["a"].runs) == [0.9]


def test_samples_that_were_overwritten_before_they_were_acknowledged_are_counted() -> None:
    store = Store(8)
    for i in range(5):
        store.ring("a").add(1000.0 + i, 0.5)
    assert [piece.overrun for _, piece in store.collect({}, 1010.0)] == [0]  # nobody has missed them yet
    for i in range(10):
        store.ring("a").add(1010.0 + i, 0.5)
    (piece,) = dict(store.collect({"a": 5}, 1030.0)).values()
    assert (piece.overrun, len(_values(piece.runs)), piece.upto) == (2, 8, 15)
    assert [piece.overrun for _, piece in store.collect({"a": 7}, 1030.0)] == [0]
