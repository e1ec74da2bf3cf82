"""`neilats models`: what there is, what serves, and the import of old files, as a user meets them."""

import json

import pytest
from click.testing import CliRunner

from models import artefact
from models.registry import Registry, packaged_directory
from neilats.cli import cli
from tests.models.networks import manifest, network

PACKAGED = Registry(packaged_directory()).serving()
COMMANDS = ("list", "show", "promote", "rollback", "import", "convert")


@pytest.fixture
def models(tmp_path):
    """Run `neilats models` on a directory with two models."""
    directory = tmp_path / "models"
    artefact.write(directory, manifest("one"), network())
    artefact.write(directory, manifest("lone", pair="a2b"), network(seed=1))

    def run(*args):
        return CliRunner().invoke(cli, ["models", *map(str, args)], env={"NEILATS_MODELS_DIR": str(directory)})

    return run


def answer(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_with_an_example(name):
    result = CliRunner().invoke(cli, ["models", name, "--help"])
    assert result.exit_code == 0
    assert "Example" in result.output


def test_the_list_says_what_serves(models):
    models("promote", "one")
    models("promote", "lone")
    shown = {line.split()[0]: line for line in models("list").output.splitlines() if line.strip()}
    assert " all " in shown["one"]
    assert " a2b " in shown["lone"]
    listed = answer(models("list", "--json"))
    assert listed["serving"] == {"shared": "one", "violation": PACKAGED.violation, "pairs": {"a2b": "lone"}}
    assert {m["name"] for m in listed["models"]} >= {"one", "lone"}


def test_a_broken_or_missing_model_is_listed_with_its_error(models, tmp_path):
    models("promote", "one")
    (tmp_path / "models" / "lone.json").write_text("<html>")
    (tmp_path / "models" / "one.json").unlink()
    result = models("list")
    assert result.exit_code == 0
    assert "Broken: " in result.stderr
    errors = {m["name"]: m["error"] for m in answer(models("list", "--json"))["models"]}
    assert "not JSON" in errors["lone"]
    assert "no such file" in errors["one"]


def test_a_model_is_shown_once_it_is_verified(models, tmp_path):
    result = models("show", "one")
    assert "seed-lstm" in result.output
    assert "verified" in result.output
    assert answer(models("show", "lone", "--json"))["pair"] == "a2b"
    (tmp_path / "models" / "one.onnx").write_bytes(b"")
    result = models("show", "one")
    assert result.exit_code == 1
    assert "one.onnx: its sha256" in result.stderr
    assert "Broken: " in models("list").stderr


def test_promotion_and_rollback_say_what_serves(models):
    assert "one for all pairs" in models("promote", "one").output
    assert answer(models("promote", "one", "--pair", "c2d", "--json")) == {
        "shared": "one",
        "violation": PACKAGED.violation,
        "pairs": {"c2d": "one"},
    }
    assert "c2d" not in models("rollback").output
    assert answer(models("rollback", "--json"))["pairs"] == {}
    assert "no earlier promotion" in models("rollback").stderr


def test_an_unknown_model_is_one_line_and_status_1(models):
    result = models("promote", "nothing")
    assert result.exit_code == 1
    assert "no model 'nothing' in " in result.stderr
    assert "there are lone, " in result.stderr
    assert "Traceback" not in result.output


def test_a_directory_that_is_not_there_is_empty_and_not_made(models, tmp_path):
    result = models("list", "--models-dir", tmp_path / "none", "--json")
    assert [m for m in answer(result)["models"] if not m["packaged"]] == []
    assert not (tmp_path / "none").exists()


def test_old_files_are_imported_and_serve_their_pair(models, tmp_path):
    from tests.models.legacy.seed import write_pair

    result = models("import", *write_pair(tmp_path, pair="c2d"))
    assert "It serves c2d now." in result.output
    again = answer(models("import", *write_pair(tmp_path), "--pair", "e2f", "--json"))
    assert answer(models("list", "--json"))["serving"]["pairs"].keys() == {"c2d", "e2f"}
    assert again["name"].startswith("lstm-e2f-")


def test_swapped_files_are_told_and_nothing_is_imported(models, tmp_path):
    from tests.models.legacy.seed import write_pair

    pth, pkl = write_pair(tmp_path)
    result = models("import", pkl, pth, "--pair", "a2b")
    assert result.exit_code == 1
    assert "are the two files swapped?" in result.stderr
    assert answer(models("list", "--json"))["serving"]["pairs"] == {}


def test_a_conversion_is_not_promoted(models, tmp_path):
    from tests.models.legacy.seed import write_pair

    result = models("convert", *write_pair(tmp_path), "--out", tmp_path / "models" / "office.onnx")
    assert "office.json" in result.output
    assert answer(models("list", "--json"))["serving"]["pairs"] == {}
    assert "office for all pairs" in models("promote", "office").output
