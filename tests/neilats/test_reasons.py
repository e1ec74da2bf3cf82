"""Decisions and numbers in words."""

import pytest

from neilats.commands import cells, reasons

INTENT = {
    "peer_nodes": [],
    "peer_services": ["shop/db"],
    "peer_pods": None,
    "policy": "mean",
    "max_rtt_ms": None,
    "mode": "prefer",
    "legacy": False,
    "mistakes": [],
}


def a_path(**fields):
    return {"peer": "p", "direction": "forward", "median_ms": 5.0, "last_ms": 6.0} | fields


def a_row(node, score, *paths, cost=0.1, status="known", unit="violation"):
    return {"node": node, "score": score, "cost": cost, "status": status, "unit": unit, "paths": list(paths)}


def a_decision(*rows, **fields):
    return {
        "intent": INTENT | fields.pop("intent", {}),
        "peers": ["p"],
        "outcome": "scored",
        "reason": "",
        "candidates": len(rows),
        "attempts": 1,
        "failed": {},
        "nodes": list(rows),
        "node": None,
        "deleted": False,
        "outvoted": None,
    } | fields


@pytest.mark.parametrize(
    ("wish", "peers", "text"),
    [
        ({}, ["p"], "prefers to be near service shop/db"),
        ({}, ["p", "q"], "prefers to be near service shop/db (mean)"),
        (
            {"peer_pods": "app=db", "max_rtt_ms": 5.0},
            ["p"],
            "prefers to be within 5 ms of service shop/db, pods app=db (mean)",
        ),
        ({"mode": "require", "legacy": True}, ["p"], "must be near service shop/db, by the old labels"),
    ],
    ids=["service", "several peers", "pods", "legacy"],
)
def test_an_intent_in_words(wish, peers, text):
    assert reasons.intent(a_decision(intent=wish, peers=peers)) == text


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"outcome": "filtered", "failed": {"a": "x"}, "candidates": 3}, "1 of 3 candidates refused"),
        ({"outcome": "passed", "candidates": 3, "attempts": 4}, "none of 3 candidates refused, asked 4 times"),
        ({"outcome": "neutral", "candidates": 3, "reason": "no_data"}, "neutral: all 3 candidates alike (no_data)"),
    ],
    ids=["refused", "passed", "neutral"],
)
def test_an_outcome_in_words(fields, text):
    assert reasons.verdict(a_decision(**fields)) == text


def test_the_best_is_compared_with_the_next():
    best, worse = a_row("a", 10, a_path(last_ms="inf")), a_row("b", 3, a_path(), cost=0.004)
    assert reasons.why(a_decision(best, worse, intent={"max_rtt_ms": 7.0})) == [
        "a scored 10: 10 % of the time expected above 7 ms (median 5.0 ms, last lost)",
        "b came next with 3: <1 % of the time expected above 7 ms (median 5.0 ms, last 6.0 ms)",
    ]


def test_among_equals_the_node_that_the_pod_got_is_explained():
    rows = a_row("a", 10, a_path()), a_row("b", 10, a_path()), a_row("c", 0, a_path())
    assert reasons.why(a_decision(*rows, node="b"))[0].startswith("b scored 10, like a:")


def test_all_alike_is_said():
    assert reasons.why(a_decision(a_row("a", 5), a_row("b", 5))) == ["no node was preferred: all scored 5"]
    assert reasons.why(a_decision(outcome="neutral")) == ["no node was preferred"]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (a_row("a", 10, a_path(direction="self")), "it is the peer itself"),
        (a_row("a", 10, a_path(), status="unknown"), "unmeasured"),
        (a_row("a", 10, a_path(), a_path(), cost=12.0, unit="ms"), "12.0 ms expected"),
        (a_row("a", 10, a_path(), a_path(), cost="inf", unit="ms"), "all lost"),
        (a_row("a", 10, a_path(), a_path(), cost=-3.5, unit="seed"), "cost -3.50"),
    ],
    ids=["peer", "unmeasured", "two paths", "lost", "seed"],
)
def test_every_kind_of_row_has_its_words(row, text):
    assert reasons.why(a_decision(row, a_row("z", 0, a_path())))[0] == f"a scored 10: {text}"


def test_long_lists_of_refused_nodes_are_cut_and_the_largest_group_comes_first():
    failed = {"x": "unmeasured"} | {f"n{i}": "too slow" for i in range(4)}
    assert reasons.grouped(failed, 2) == ["4 nodes: too slow: n0, n1 and 2 more", "1 node: unmeasured: x"]


@pytest.mark.parametrize(
    ("fields", "text"),
    [({"deleted": True}, "deleted before"), ({"node": "a"}, "a"), ({}, "not seen to be bound")],
    ids=["deleted", "bound", "open"],
)
def test_where_the_pod_went(fields, text):
    assert reasons.bound(a_decision(**fields)).startswith(text)


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (cells.ms(None), cells.UNKNOWN),
        (cells.ms("inf"), "lost"),
        (cells.ms(123.4), "123"),
        (cells.ms(1.26), "1.3"),
        (cells.ms(0.126), "0.13"),
        (cells.fraction(0.001), "<1 %"),
        (cells.fraction(0), "0 %"),
        (cells.seconds(3), "3.0 s"),
        (cells.seconds(42), "42 s"),
        (cells.seconds(6000), "100 min"),
        (cells.seconds("inf"), cells.UNKNOWN),
        (cells.plain("-inf"), "-∞"),
        (cells.plain(22251.7), "2.2e+04"),
    ],
)
def test_numbers_as_people_read_them(shown, text):
    assert shown == text
