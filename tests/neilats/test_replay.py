"""`neilats replay` as a user runs it: the table, the JSON, the plot, and what is said about mistakes."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from neilats.cli import cli
from neilats.replay.show import bar

LAN = "synthetic:lan?nodes=8&slices=160"
QUICK = (LAN, "--draws", "20", "--start", "100")


def run(*args):
    return CliRunner().invoke(cli, ["replay", *args], catch_exceptions=False)


def test_the_table_names_every_profile_and_baseline():
    result = run(*QUICK, "--profiles", "attainment,forecast")
    assert result.exit_code == 0, result.output
    assert "pods placed" in result.output
    for name in ("attainment", "forecast (default)", "random", "last", "mean", "rule", "oracle"):
        assert name in result.output
    assert "seed" not in result.output


def test_the_json_has_rates_errors_differences_and_the_protocol():
    document = json.loads(run(*QUICK, "--json").stdout)
    assert document["default"] in document["profiles"]
    assert {"attainment", "seed", "random", "last", "mean", "rule", "oracle"} <= set(document["profiles"])
    for line in document["profiles"].values():
        assert 0 <= line["violation_rate"] <= 1
        assert set(line) == {"violation_rate", "se", "mean_rtt_ms", "regret", "baseline", "difference"}
    protocol = document["protocol"]
    assert (protocol["start"], protocol["candidates"], protocol["horizon"], protocol["seed"]) == (100, 7, 30, 7)
    assert protocol["of"]["nodes"] == 8
    assert protocol["judged"] == 20


def test_the_same_command_says_the_same():
    assert run(*QUICK, "--json").stdout == run(*QUICK, "--json").stdout
    assert run(*QUICK, "--json").stdout != run(*QUICK, "--json", "--seed", "8").stdout


def test_what_models_have_learnt_from_is_recorded_and_not_tested_on():
    assert json.loads(run(*QUICK, "--json", "--train-until", "90").stdout)["protocol"]["train_until"] == 90
    assert json.loads(run(LAN, "--draws", "5", "--json", "--train-until", "110").stdout)["protocol"]["start"] == 110
    result = run(*QUICK, "--train-until", "120")
    assert result.exit_code == 1
    assert "--start 100 lies before --train-until 120" in result.output


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_a_plot_is_written(tmp_path, suffix):
    path = tmp_path / f"plot.{suffix}"
    assert run(*QUICK, "--profiles", "attainment", "--plot", str(path)).exit_code == 0
    assert path.stat().st_size > 1000


def test_a_csv_in_seconds_is_refused_with_the_flag_that_converts_it(tmp_path):
    rng = np.random.default_rng(0)
    lines = ["time,source,target,rtt_ms"]
    for t in range(80):
        lines += [f"{10 * t},{a},{b},{rng.uniform(1, 3) * 1e-4:.6f}" for a in "abcd" for b in "abcd" if a != b]
    path = tmp_path / "pings.csv"
    path.write_text("\n".join(lines))
    refused = run(str(path), "--draws", "5", "--horizon", "5")
    assert refused.exit_code == 1
    assert "look like seconds" in refused.output
    converted = run(str(path), "--draws", "5", "--horizon", "5", "--unit", "s", "--json")
    assert 0.1 < json.loads(converted.stdout)["profiles"]["random"]["mean_rtt_ms"] < 0.3


def test_gaps_are_told_on_standard_error(tmp_path):
    values = np.random.default_rng(0).uniform(1, 2, (120, 5, 5))
    values[20:40] = np.nan
    np.savez(tmp_path / "t.npz", rtt_ms=values, interval_s=30.0)
    result = run(str(tmp_path / "t.npz"), "--draws", "5", "--json")
    assert "warning: nothing was measured in slices 20 to 39 (10 min)" in result.stderr
    assert json.loads(result.stdout)["protocol"]["warnings"]


@pytest.mark.parametrize(
    ("args", "status", "says"),
    [
        (("nowhere.npz",), 1, "no such file"),
        ((*QUICK, "--profiles", "best"), 2, "no profile best; there are attainment"),
        ((*QUICK, "--profiles", ","), 2, "names none"),
        ((*QUICK, "--forecaster", "oracle"), 2, "no forecaster 'oracle'"),
        ((*QUICK, "--plot", "x.pdf"), 2, "ends in .svg or .png"),
        ((*QUICK, "--plot", "/nowhere/x.svg"), 2, "no such folder"),
        ((*QUICK, "--draws", "0"), 2, "--draws"),
        ((*QUICK, "--candidates", "8"), 1, "8 nodes allow 2 to 7"),
        ((*QUICK, "--horizon", "100"), 1, "--start 100: from slice 1 to 59"),
        ((*QUICK, "--sla-quantile", "2"), 2, "--sla-quantile"),
        (("synthetic:wan",), 1, "there is synthetic:lan"),
    ],
)
def test_mistakes_say_what_is_wrong_and_what_there_is(args, status, says):
    result = run(*args)
    assert (result.exit_code, says in result.output) == (status, True), result.output


def test_bars_are_drawn_in_eighths():
    assert (bar(0.0), bar(1.0), bar(0.5 + 1 / 48)) == ("", "█" * 24, "█" * 12 + "▌")
