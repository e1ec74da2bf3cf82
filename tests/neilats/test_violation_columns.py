"""Forecast violations in the tables of `neilats score` and `neilats explain`."""

from neilats.commands import violations
from neilats.commands.cells import UNKNOWN
from tests.models.shared import put_violation
from tests.neilats.conftest import neilats

JUDGED = {"violation_model": 0.124, "violation_naive": 0.3, "brier_model": 0.051, "brier_naive": None}


def test_columns_are_there_only_where_a_model_says_something():
    assert violations.known_columns([{"violation_naive": 0.3}, {}]) == []
    assert violations.known_columns([{}, {"violation_model": 0.1, "brier_model": None}]) == ["violation"]
    assert violations.known_columns([JUDGED]) == ["violation", "brier"]


def test_a_cell_holds_the_models_number_and_the_naive_one():
    assert violations.values(JUDGED, ["violation", "brier"]) == ("12/30", f".05/{UNKNOWN}")


async def test_score_and_explain_show_them(serve, tmp_path):
    from models.registry import Registry

    put_violation(tmp_path, "judge", 0.25)
    Registry(tmp_path).promote("judge")
    extender = await serve(models_dir=str(tmp_path), forecaster="auto", profile="forecast")
    await extender.star("gateway", {"node-1": 5.0, "node-2": 9.0, "node-3": 40.0})
    scored = await neilats("score", "gateway", "--sla-ms", "20", "--url", extender.url)
    assert "25/100" in scored.output
    assert "judge" in scored.output
    assert violations.LEGEND in scored.output
    await extender.decided("cart", peer_nodes="gateway", max_rtt_ms="20")
    explained = await neilats("explain", "shop/cart", "--url", extender.url)
    assert "outcome 3 candidates scored" in explained.output


async def test_models_list_says_which_model_is_asked_about_slas(tmp_path):
    put_violation(tmp_path, "judge")
    promoted = await neilats("models", "promote", "judge", "--models-dir", str(tmp_path))
    assert promoted.exit_code == 0, promoted.output
    assert "judge for the violations of SLAs" in promoted.output
    listed = await neilats("models", "list", "--models-dir", str(tmp_path))
    assert "SLAs" in listed.output
