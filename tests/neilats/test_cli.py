"""The front door: help, versions, misuse and its exit statuses."""

import time

import pytest
from click.testing import CliRunner

from neilats import __version__
from neilats.cli import cli
from neilats.settings import ExtenderSettings, ProberSettings
from tests.neilats.conftest import neilats_process

COMMANDS = ("demo", "score", "explain", "doctor", "matrix", "health", "record", "replay", "prober", "extender")


def test_help_names_every_command_and_has_examples():
    result = CliRunner().invoke(cli, ["--help"])
    assert result.exit_code == 0
    assert all(name in result.output for name in COMMANDS)
    assert "Examples:" in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_with_an_example(name):
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert "Example" in result.output


@pytest.mark.parametrize(("name", "kind"), [("prober", ProberSettings), ("extender", ExtenderSettings)])
def test_a_services_help_explains_every_setting(name, kind):
    result = CliRunner().invoke(cli, [name, "--help"])
    for setting, default, _ in kind.help_rows():
        assert f"{setting}={default}" in result.output
        assert f"[NEILATS_{setting.upper()}]" in result.output


def test_help_is_quick_because_nothing_heavy_is_imported():
    began = time.monotonic()
    heavy = "import sys; from neilats.cli import main; main(['extender', '--help']);"
    heavy += "sys.exit([m for m in ('aiohttp', 'numpy', 'kubernetes', 'rich') if m in sys.modules] or 0)"
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 5


def test_version():
    assert CliRunner().invoke(cli, ["--version"]).output == f"neilats {__version__}\n"


def test_a_misspelt_command_is_guessed():
    done = neilats_process("explian", "a/b")
    assert done.returncode == 2
    assert "Did you mean 'explain'?" in done.stderr


def test_a_misspelt_flag_is_guessed():
    done = neilats_process("extender", "--webhook-lisen", "127.0.0.1:1")
    assert done.returncode == 2
    assert "--webhook-listen" in done.stderr


def test_no_command_shows_the_help_and_is_a_misuse():
    done = neilats_process()
    assert done.returncode == 2
    assert "Commands:" in done.stderr + done.stdout


def test_a_reader_that_goes_away_is_no_traceback():
    import subprocess
    import sys

    command = f"{sys.executable} -m neilats extender --help | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=20)
    assert "Usage" in done.stdout
    assert done.stderr == ""
