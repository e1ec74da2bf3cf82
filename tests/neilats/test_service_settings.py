"""Settings on the command line of the services: where they come from, and how mistakes are told."""

import pytest

from tests.neilats.conftest import neilats_process


def lines(done):
    return done.stderr.splitlines()


def test_all_mistakes_are_told_at_once_each_with_name_value_source_and_remedy(tmp_path):
    file = tmp_path / "neilats.yaml"
    file.write_text("widow_slots: 9\nlisten: nowhere\n")
    done = neilats_process(
        "extender",
        "--config",
        str(file),
        "--profile",
        "best",
        "-s",
        "deadline_ms=soon",
        env={"NEILATS_INTERVAL_S": "x"},
    )
    assert done.returncode == 2
    assert lines(done) == [
        "neilats extender: 5 settings are wrong",
        f"  widow_slots ({file}): no such setting; did you mean window_slots?",
        f"  listen='nowhere' ({file}): expected HOST:PORT, such as 0.0.0.0:8080, or :8080 for all addresses",
        "  NEILATS_INTERVAL_S='x' (environment): expected a number from 0.05 to 3600",
        "  deadline_ms='soon' (flag): expected a number from 1 to 60000",
        "  profile='best' (flag): expected one of attainment, forecast, seed",
        "See `neilats extender --help` for all settings.",
    ]


def test_settings_that_contradict_each_other_are_a_mistake():
    done = neilats_process("extender", "--cluster", "kubeconfig")
    assert done.returncode == 2
    assert lines(done)[0] == "neilats extender: a setting is wrong"
    assert "needs kubeconfig=FILE" in lines(done)[1]


def test_the_variable_kubeconfig_is_not_read():
    done = neilats_process("extender", "--cluster", "kubeconfig", env={"KUBECONFIG": "/etc/hostname"})
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("assignment", "answer"),
    [
        ("listen=127.0.0.1:1", "listen='127.0.0.1:1' (--set): a setting of `neilats extender`, not of this service"),
        ("interval_s", "'interval_s' (--set): expected NAME=VALUE, such as interval_s=5"),
        ("intervall_s=3", "intervall_s (flag): no such setting; did you mean interval_s?"),
    ],
)
def test_an_assignment_that_cannot_be_used_says_why(assignment, answer):
    done = neilats_process("prober", "--set", assignment)
    assert done.returncode == 2
    assert f"  {answer}" in lines(done)


def test_a_missing_file_is_a_mistake():
    done = neilats_process("prober", "--config", "/nonexistent/neilats.yaml")
    assert done.returncode == 2
    assert "No such file" in done.stderr
