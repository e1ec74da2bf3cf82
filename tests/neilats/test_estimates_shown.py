"""Estimates in `neilats score`, `explain` and `matrix`: marked, with where they likely lie, never as measurements."""

import json

import numpy as np
import pytest

from neilats.commands import cells, reasons
from neilats.commands.matrix import matrix_table
from tests.neilats.conftest import neilats
from tests.neilats.test_reasons import a_decision, a_path, a_row

NODES = ("gateway", *(f"node-{i:02d}" for i in range(1, 50)))
ESTIMATE = {"estimate_ms": 12.0, "estimate_low_ms": 8.5, "estimate_high_ms": 17.0}


@pytest.fixture
async def sparse(serve):
    """Each node has measured some others, few of them the gateway."""
    extender = await serve(nodes=NODES)
    rng = np.random.default_rng(0)
    for i, name in enumerate(NODES):
        others = rng.choice([k for k in range(50) if k != i], 10, replace=False).tolist()
        samples = {NODES[k]: {"age_ms": 0, "step_ms": 10000, "rtt_ms": [abs(i - k) + 2.0] * 12} for k in others}
        assert (await extender.report(name, samples)).status == 200
    for _ in range(5):
        await extender.extender.estimates.refresh()
    store = extender.extender.store
    extender.unmeasured = [n for n in NODES[1:] if not (store.row(n, "gateway") or store.row("gateway", n))]
    return extender


async def test_score_marks_estimates_and_says_what_the_mark_means(sparse):
    result = await neilats("score", "gateway", "--url", sparse.url)
    assert result.exit_code == 0, result.output
    lines = {line.split()[0]: line for line in result.output.splitlines() if line.startswith("node-")}
    for name, line in lines.items():
        assert (" ~" in line) == (name in sparse.unmeasured), line
        assert ("estimate" in line) == (name in sparse.unmeasured), line
    assert "~: not measured, estimated from what others measured" in " ".join(result.output.split())


async def test_the_headline_says_that_the_best_is_estimated(sparse):
    nodes = [part for name in sparse.unmeasured[:2] for part in ("-n", name)]
    result = await neilats("score", "gateway", *nodes, "--url", sparse.url)
    assert "is nearest to gateway: " in result.output
    assert "ms expected, by an estimate" in result.output.splitlines()[0]


async def test_estimates_that_cannot_be_told_apart_are_not_called_measured(sparse):
    result = await neilats("score", "gateway", "-n", sparse.unmeasured[0], "--url", sparse.url)
    assert "measured ones" not in result.output


async def test_explain_says_that_estimates_decided(sparse):
    pod = {
        "metadata": {
            "name": "cart",
            "namespace": "shop",
            "uid": "u1",
            "annotations": {"neilats.io/peer-nodes": "gateway"},
        }
    }
    await sparse.ask("prioritize", pod, tuple(sparse.unmeasured[:3]))
    result = await neilats("explain", "shop/cart", "--url", sparse.url)
    text = " ".join(result.output.split())
    assert "no path is measured: estimates decide" in text
    assert "(not measured; estimated " in text
    assert "~" in text


async def test_the_matrix_has_estimates_on_request_only(sparse):
    plain = await neilats("matrix", "--url", sparse.url)
    filled = await neilats("matrix", "--estimates", "--url", sparse.url)
    assert "~" not in plain.output
    assert filled.output.splitlines()[0] == plain.output.splitlines()[0]
    assert "four of five" in " ".join(filled.output.split())


def test_the_matrix_fills_only_what_is_not_measured():
    paths = [{"source": "a", "target": "b", "median_ms": 2.0}]
    estimates = [{"source": s, "target": t, **ESTIMATE} for s, t in (("a", "b"), ("b", "c"))]
    table = matrix_table(("a", "b", "c"), paths, "median_ms", estimates=estimates)
    assert [list(column.cells) for column in table.columns[2:]] == [
        ["2.0", "·", cells.UNKNOWN],
        [cells.UNKNOWN, "~12.0 8.5..17.0", "·"],
    ]


async def test_the_matrix_as_json_keeps_estimates_apart(sparse):
    answer = json.loads((await neilats("matrix", "--estimates", "--json", "--url", sparse.url)).stdout)
    assert {(p["source"], p["target"]) for p in answer["paths"]}.isdisjoint(
        (e["source"], e["target"]) for e in answer["estimates"]
    )


def test_a_reason_names_the_estimate_and_its_span():
    path = a_path(direction="estimate", median_ms=None, last_ms=None, **ESTIMATE)
    best = a_row("a", 10, path, cost=0.2, status="estimated")
    text, _ = reasons.why(a_decision(best, a_row("b", 3, a_path()), intent={"max_rtt_ms": 15.0}))
    assert text == (
        "a scored 10: 20 % of the time expected above 15 ms, by an estimate (not measured; estimated 12.0 ms, likely "
        "8.5..17.0)"
    )


@pytest.mark.parametrize(("status", "mark"), [("known", ""), ("thin", " ?"), ("estimated", " ~"), ("unknown", " ?")])
def test_doubtful_costs_are_marked_by_their_kind(status, mark):
    assert cells.doubt({"status": status}) == mark


def test_a_median_is_marked_only_where_it_is_an_estimate():
    assert cells.median(a_path(direction="estimate", median_ms=None, **ESTIMATE)) == "~12.0"
    assert cells.median(a_path(**ESTIMATE)) == "5.0"
    assert cells.likely(ESTIMATE) == "8.5..17.0"
