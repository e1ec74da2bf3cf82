"""Settings from their four sources."""

from pathlib import Path

import pytest

from neilats.settings import ExtenderSettings, ProberSettings, SettingsError, load_settings
from scoring.profiles import DEFAULT


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    return file


def mistakes(kind=ExtenderSettings, **sources) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(kind, **sources)
    return caught.value.mistakes


def test_without_sources_all_is_default():
    assert load_settings(ExtenderSettings) == ExtenderSettings()


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path):
    file = written(tmp_path, "interval_s: 1\nwindow_slots: 100\nprofile: seed\n")
    env = {"NEILATS_INTERVAL_S": "2", "NEILATS_WINDOW_SLOTS": "200"}
    settings = load_settings(ExtenderSettings, file=file, env=env, flags={"interval_s": "3"})
    assert (settings.interval_s, settings.window_slots, settings.profile) == (3.0, 200, "seed")


def test_a_flag_that_was_not_given_changes_nothing():
    assert load_settings(ExtenderSettings, flags={"profile": None}).profile == DEFAULT


def test_a_file_may_hold_both_services_settings(tmp_path):
    file = written(tmp_path, "node_name: n\nlisten: ':81'\ninterval_s: 2\n")
    assert load_settings(ProberSettings, file=file).node_name == "n"
    assert load_settings(ExtenderSettings, file=file).listen == ":81"


def test_a_name_that_no_service_knows_is_a_mistake_in_a_file_with_a_guess(tmp_path):
    assert mistakes(file=written(tmp_path, "intervall_s: 2"))[0].endswith("no such setting; did you mean interval_s?")


def test_variables_that_kubernetes_injects_for_a_service_are_ignored():
    env = {
        "NEILATS_PORT": "tcp://10.0.0.1:80",
        "NEILATS_SERVICE_HOST": "10.0.0.1",
        "NEILATS_EXTENDER_PORT_8080_TCP": "tcp://10.0.0.1:8080",
    }
    assert load_settings(ExtenderSettings, env=env) == ExtenderSettings()


def test_every_mistake_of_every_source_is_collected(tmp_path):
    found = mistakes(
        file=written(tmp_path, "shadow: perhaps\n"), env={"NEILATS_LISTEN": "x"}, flags={"decisions_kept": "-1"}
    )
    assert [line.partition("=")[0] for line in found] == ["shadow", "NEILATS_LISTEN", "decisions_kept"]


@pytest.mark.parametrize("text", ["[1, 2]", "just text", "a: [unclosed", "\x00"], ids=["list", "text", "broken", "nul"])
def test_a_file_that_is_no_mapping_is_one_mistake(tmp_path, text):
    assert len(mistakes(file=written(tmp_path, text))) == 1


def test_a_file_that_is_not_there_or_not_text_is_one_mistake(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    assert len(mistakes(file=tmp_path / "none")) == len(mistakes(file=tmp_path / "binary")) == 1


def test_an_empty_file_is_no_mistake(tmp_path):
    assert load_settings(ProberSettings, file=written(tmp_path, "# nothing\n")) == ProberSettings()


@pytest.mark.parametrize(
    ("kind", "flags", "word"),
    [
        (ProberSettings, {"burst_interval_s": "5", "interval_s": "2"}, "burst"),
        (ExtenderSettings, {"cluster": "kubeconfig"}, "kubeconfig"),
        (ExtenderSettings, {"tls_cert": __file__}, "both or neither"),
        (ExtenderSettings, {"stale_after_s": "1"}, "shorter than interval_s"),
        (ExtenderSettings, {"webhook_listen": "0.0.0.0:8888"}, "must be a loopback address"),
        (ExtenderSettings, {"webhook_client_ca": __file__}, "all three or none"),
        (ExtenderSettings, {"client_ca": __file__}, "over TLS only"),
        (ExtenderSettings, {"report_auth": "token"}, "needs reporters=USER"),
        (ExtenderSettings, {"cluster": "none", "api_auth": "required"}, "verified by a cluster's API server"),
        (ExtenderSettings, {"api_auth": "required", "audiences": ""}, "name at least one, such as neilats"),
        (ExtenderSettings, {"events_lease": "neilats"}, "NAMESPACE/NAME"),
    ],
    ids=[
        "slow burst",
        "no kubeconfig",
        "half of TLS",
        "always stale",
        "open webhooks",
        "half of the webhooks' TLS",
        "client certificates without TLS",
        "tokens of nobody",
        "tokens without a cluster",
        "tokens for nobody",
        "half a lease",
    ],
)
def test_settings_that_contradict_each_other_are_refused(kind, flags, word):
    assert word in mistakes(kind, flags=flags)[0]


def test_contradictions_are_told_beside_what_cannot_be_read():
    found = mistakes(flags={"shadow": "perhaps", "stale_after_s": "1", "cluster": "kubeconfig"})
    assert [line.split("=")[0] for line in found] == ["shadow", "cluster", "stale_after_s"]


def test_a_setting_that_cannot_be_read_contradicts_nothing(tmp_path):
    assert len(mistakes(flags={"interval_s": "x", "stale_after_s": "1"})) == 1
    assert len(mistakes(env={"NEILATS_KUBECONFIG": "/none"}, flags={"cluster": "kubeconfig"})) == 1
    assert len(mistakes(file=written(tmp_path, "a: [unclosed"), flags={"tls_cert": __file__})) == 1


def test_a_source_that_can_be_read_makes_up_for_a_weaker_one_that_cannot(tmp_path):
    file = written(tmp_path, "interval_s: x\n")
    found = mistakes(file=file, flags={"interval_s": "10", "stale_after_s": "1"})
    assert [line.split("=")[0] for line in found] == ["interval_s", "stale_after_s"]


def test_replace_checks_the_whole_again():
    assert ExtenderSettings().replace(interval_s=3.0).fresh_for_s == 12.0
    with pytest.raises(SettingsError):
        ExtenderSettings().replace(cluster="kubeconfig")


def test_a_callers_parser_replaces_the_fields_own():
    def refuse(raw):
        raise ValueError("expected another one")

    assert mistakes(flags={"profile": "p"}, parsers={"profile": refuse}) == ["profile='p' (flag): expected another one"]


@pytest.mark.parametrize("kind", [ProberSettings, ExtenderSettings])
def test_every_default_is_what_its_own_parser_makes_of_the_default_that_help_shows(kind):
    for name, shown, doc in kind.help_rows():
        assert doc
        if name not in ("nodes",):
            assert getattr(load_settings(kind, flags={name: shown}), name) == getattr(kind(), name)
