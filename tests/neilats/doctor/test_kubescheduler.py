"""KubeSchedulerConfigurations in ConfigMaps, whatever they contain."""

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from neilats.doctor.checks import examine
from neilats.doctor.facts import Facts
from neilats.doctor.kubescheduler import duration_s, find_configs
from neilats.doctor.objects import ConfigMap
from tests.neilats.doctor.builders import GOOD_EXTENDER, scheduler_config

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
TREES = st.recursive(SCALARS, lambda t: st.lists(t, max_size=3) | st.dictionaries(SCALARS, t, max_size=3), max_leaves=9)
FIELDS = st.sampled_from(("profiles", "extenders", "percentageOfNodesToScore", "apiVersion"))


def holding(**data: str) -> list[ConfigMap]:
    return [msgspec.convert({"metadata": {"name": "c", "namespace": "n"}, "data": data}, ConfigMap)]


def test_several_documents_and_keys_are_read_and_others_are_not():
    one = "kind: KubeSchedulerConfiguration\n"
    found = find_configs(holding(a=f"kind: Other\n---\n{one}---\n{one}", b=one, c="nothing of ours"))
    assert [c.where for c in found] == ["ConfigMap n/c, a", "ConfigMap n/c, a", "ConfigMap n/c, b"]


def test_without_profiles_the_default_scheduler_is_configured():
    (config,) = find_configs(holding(a="kind: KubeSchedulerConfiguration"))
    assert config.scheduler_names == ("default-scheduler",)


@pytest.mark.parametrize(
    "text",
    [
        "kind: KubeSchedulerConfiguration\nextenders: [{weight: many}]",
        "kind: KubeSchedulerConfiguration\nextenders: {",
        "kind: KubeSchedulerConfiguration\nprofiles: [null]",
    ],
)
def test_what_cannot_be_read_says_why_and_asks_nobody(text):
    (config,) = find_configs(holding(a=text))
    assert config.problem
    assert config.neilats == ()


def test_a_remark_about_schedulers_is_no_configuration():
    assert find_configs(holding(a="see KubeSchedulerConfiguration")) == []


@given(st.dictionaries(FIELDS, TREES, max_size=3))
def test_any_document_is_checked_or_has_a_problem(fields):
    text = yaml.safe_dump({"kind": "KubeSchedulerConfiguration", **fields})
    (config,) = find_configs(holding(a=text))
    report = examine(Facts(configs=[config]))
    assert bool(config.problem) == any("cannot be read" in note for note in report.notes)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(GOOD_EXTENDER, SCALARS)))
def test_any_extender_is_checked_or_has_a_problem(fields):
    config = scheduler_config({"urlPrefix": "http://127.0.0.1:8888", **fields})
    assert config.problem or config.extenders
    examine(Facts(configs=[config]))


@given(st.text())
def test_any_text_is_read_or_has_a_problem(text):
    for config in find_configs(holding(a=f"KubeSchedulerConfiguration {text}")):
        assert config.problem


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("200ms", 0.2), ("1m30s", 90), ("1.5h", 5400), ("", 0), ("soon", 0), ("5", 0), (None, 0), (7, 0)],
)
def test_gos_durations(text, seconds):
    assert duration_s(text) == pytest.approx(seconds)
