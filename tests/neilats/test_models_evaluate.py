"""`neilats models evaluate` for a network of violations, as a user meets it; no torch is needed."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from models import artefact
from neilats.cli import cli
from neilats.traces.npz import read_npz
from tests.models.shared import put_forecast, put_violation, violation_manifest, violation_network

LAN = "synthetic:lan?nodes=8&slices=120&seed=3"


@pytest.fixture
def models(tmp_path):
    """Run `neilats models` on a directory with a network of each kind."""
    put_violation(tmp_path / "models", "judge", answer=0.5, slope=0.5)
    put_forecast(tmp_path / "models", "points")

    def run(*args):
        environment = {"NEILATS_MODELS_DIR": str(tmp_path / "models")}
        return CliRunner().invoke(cli, ["models", *map(str, args)], env=environment, catch_exceptions=False)

    return run


def answer(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_violations_are_judged_against_the_past_and_by_replay(models):
    found = answer(models("evaluate", "judge", LAN, "--draws", "24", "--json"))["data"][0]
    assert found["scores"] == {}
    violation = found["violation"]
    assert violation["forecasters"].keys() == {"naive", "judge"}
    naive, judge = violation["forecasters"]["naive"], violation["forecasters"]["judge"]
    assert violation["skill"] == pytest.approx(1 - judge["brier"] / naive["brier"], abs=1e-3)
    assert judge["brier_at_sla"].keys() == {"0.1", "0.2", "0.25", "0.3", "0.4", "0.5"}
    assert sum(b["share"] for b in judge["reliability"]) == pytest.approx(1)
    assert 0 <= judge["calibration_error"] <= 1
    assert "forecast" in found["placement"]["profiles"]


def test_the_tables_say_who_is_better(models):
    shown = models("evaluate", "judge", LAN, "--draws", "24").output
    for words in ("squared error than the past alone", "skill", "calibration", "24 pods placed"):
        assert words in shown


def test_a_network_of_forecasts_is_judged_in_both_ways(models):
    found = answer(models("evaluate", "points", LAN, "--draws", "24", "--json"))["data"][0]
    assert found["scores"]["all"].keys() >= {"median", "points"}
    assert found["violation"]["forecasters"].keys() == {"naive", "points"}


def test_whoever_judges_a_model_on_what_it_learnt_is_warned(models, tmp_path):
    trace = tmp_path / "lab.npz"
    np.savez(trace, rtt_ms=np.random.default_rng(0).gamma(2.0, 4.0, (150, 6, 6)), interval_s=10.0)
    data = {"from": [{"name": "lab.npz", "slots": 100, "sha256": read_npz(trace, None, None).sliced(0, 100).sha256}]}
    artefact.write(tmp_path / "models", violation_manifest("early", data=data), violation_network())
    warned = models("evaluate", "early", trace, "--start", "80", "--draws", "12")
    assert "early had the slices before 100" in warned.stderr
    assert "warning" not in models("evaluate", "early", trace, "--start", "100", "--draws", "12").stderr


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (("judge", "synthetic:ar?seed=5"), "judge only knows SLAs between nodes; give a whole network"),
        (("judge", LAN, "--plot", "x.svg"), "this network only knows violations"),
        (("jugde", LAN), "no model 'jugde' in "),
        (("judge", LAN, "--start", "118"), "--start 118"),
    ],
)
def test_mistakes_are_told_in_a_line(models, args, what):
    result = models("evaluate", *args)
    assert result.exit_code in (1, 2)
    assert what in result.stderr
    assert "Traceback" not in result.output
