"""`neilats models train` and `evaluate`, as a user meets them."""

import json

import click
import numpy as np
import pytest
from click.testing import CliRunner

from models.synthetic import generate
from neilats.cli import cli
from neilats.commands.models.train import RECIPES, check_extra
from neilats.traces.npz import read_npz

QUICK = ("--epochs", "1", "--threads", "1")


@pytest.fixture
def models(tmp_path):
    """Run `neilats models` on an empty directory."""

    def run(*args):
        environment = {"NEILATS_MODELS_DIR": str(tmp_path / "models")}
        return CliRunner().invoke(cli, ["models", *map(str, args)], env=environment, catch_exceptions=False)

    return run


@pytest.fixture
def csv(tmp_path):
    """A path of 300 slots as the old plugin recorded them."""
    path = tmp_path / "a2b.csv"
    values = generate("ar", 1, 300, 2)[0]
    path.write_text("time,latency\n" + "".join(f"{10 * k},{value:.4f}\n" for k, value in enumerate(values)))
    return path


def answer(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("name", ["train", "evaluate"])
def test_each_command_has_help_with_an_example(models, name):
    assert "Example" in models(name, "--help").output


def test_without_torch_the_command_says_what_to_install():
    with pytest.raises(click.ClickException, match=r"pip install 'neilats\[train\]'"):
        check_extra(lambda name: None)


def test_the_commands_recipes_exist():
    from models.training.recipes import RECIPES as KNOWN

    assert set(KNOWN) <= set(RECIPES)


def test_a_pairs_network_is_trained_promoted_and_evaluated(models, csv, tmp_path):
    trained = answer(models("train", csv, "--recipe", "seed", "--name", "ab", "--pair", "a2b", *QUICK, "--json"))
    assert trained["training"]["slots"] == {csv.name: [0, 240]}
    assert "ab for a2b" in models("promote", "ab").output
    plot = tmp_path / "plot.svg"
    found = answer(models("evaluate", "ab", csv, "--start", 240, "--json", "--plot", plot))
    scores = found["data"][0]["scores"]["all"]
    assert scores.keys() == {"median", "decayed-mean", "ab"}
    assert scores["median"]["mae_ratio"] == 1
    assert scores["ab"]["cases"] == 2
    assert plot.stat().st_size > 1000
    assert not list((tmp_path / "models").glob(".*"))


def test_a_run_without_a_terminal_tells_each_epoch_and_what_to_do_next(models, csv):
    result = models("train", csv, "--recipe", "seed", "--name", "ab", "--epochs", "2", "--train-until", 250)
    assert "epoch 2 of 2: loss" in result.stderr
    assert "neilats models promote ab" in result.stdout


def test_a_matrix_is_placed_in_by_replay_and_an_untouched_kind_is_scored(models, csv):
    models("train", csv, "--recipe", "seed", "--name", "ab", *QUICK)
    result = models(
        "evaluate", "ab", "synthetic:lan?nodes=6&slices=120", "synthetic:white_noise?series=3", "--draws", "10"
    )
    assert result.exit_code == 0, result.output
    for words in ("calibration", "10 pods placed", "oracle", "synthetic:white_noise?series=3: 21 windows"):
        assert words in result.output


def test_a_shared_network_learns_from_a_trace_up_to_a_slice(models, tmp_path):
    trace = tmp_path / "trace.npz"
    rtt_ms = generate("ar", 9, 200, 3).T.reshape(200, 3, 3)
    np.savez(trace, rtt_ms=np.repeat(rtt_ms[::2], 2, axis=0), interval_s=15.0)
    manifest = answer(models("train", trace, "--name", "lab", "--train-until", 150, *QUICK, "--json"))
    assert manifest["training"]["slots"] == {trace.name: [0, 120]}
    shown = answer(models("show", "lab", "--json"))
    assert shown["interval_s"] == 15.0
    assert shown["data"]["train_until"] == 150
    learnt = read_npz(trace).sliced(0, 150)
    assert shown["data"]["from"][0] | {"slots": 150, "sha256": learnt.sha256} == shown["data"]["from"][0]
    found = answer(models("evaluate", "lab", trace, "--start", 150, "--draws", "0", "--json"))["data"][0]
    assert found["scores"].keys() == {"all", "fresh"}


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (("train", "none.csv", "--name", "x"), "none.csv: no such file"),
        (("train", "synthetic:ar?length=50", "--name", "x"), "50 slots of 10 s; about 60 are needed to train on"),
        (("train", "synthetic:ar", "--name", "promoted"), "no usable name"),
        (("train", "synthetic:sea", "--name", "x"), "no synthetic network 'sea'"),
        (("train", "synthetic:ar", "--name", "x", "--train-until", "0"), "Invalid value"),
        (("train", "synthetic:lan?nodes=3", "--name", "x", "--recipe", "violation"), "3 nodes are too few"),
        (("train", "synthetic:lan?slices=35", "--name", "x", "--recipe", "violation"), "--start 10"),
        (("evaluate", "x"), "Give the NAME of a model"),
        (("evaluate", "x", "synthetic:ar"), "no model 'x' in "),
        (("evaluate", "x", "synthetic:ar", "--plot", "x.pdf"), "ends in .svg or .png"),
    ],
)
def test_mistakes_are_told_in_a_line(models, args, what):
    result = models(*args)
    assert result.exit_code in (1, 2)
    assert what in result.stderr
    assert "Traceback" not in result.output


def test_a_name_that_is_taken_is_refused_before_the_work(models, csv):
    models("train", csv, "--recipe", "seed", "--name", "ab", *QUICK)
    result = models("train", csv, "--recipe", "seed", "--name", "ab", *QUICK)
    assert result.exit_code == 1
    assert "ab.json: exists; choose another --name" in result.stderr


def test_a_folder_that_cannot_be_written_to_is_refused_before_the_work(models, csv, tmp_path):
    (tmp_path / "file").write_text("")
    result = models("train", csv, "--recipe", "seed", "--name", "ab", "--models-dir", tmp_path / "file" / "a", *QUICK)
    assert result.exit_code == 1
    assert (
        f"{tmp_path / 'file' / 'a'}: cannot be written to: Not a directory; choose another directory" in result.stderr
    )
    assert "epoch" not in result.output


def test_an_empty_folder_is_told_what_it_may_hold(models, tmp_path):
    (tmp_path / "data").mkdir()
    result = models("train", str(tmp_path / "data"), "--name", "ab")
    assert result.exit_code == 1
    assert "expected recordings, CSVs time,latency or fping logs" in result.stderr
