"""The extender's pods, and what their metrics say."""

import pytest

from neilats.doctor import extender as checks
from neilats.doctor.facts import Facts
from tests.neilats.doctor.builders import EXTENDER, found, pod, scrape, texts

HEALTHY = """
    neilats_extender_ready 1
    neilats_extender_probe_paths{state="fresh"} 90
    neilats_extender_probe_paths{state="stale"} 10
    neilats_extender_probe_paths{state="never"} 900
    neilats_extender_windows{state="fresh"} 90
    neilats_extender_windows{state="stale"} 5000
    neilats_extender_calls_total{verb="filter",outcome="passed"} 50
    neilats_extender_calls_total{verb="prioritize",outcome="scored"} 50
    neilats_extender_calls_total{verb="prioritize",outcome="no_data"} 5
    neilats_extender_calls_total{verb="prioritize",outcome="no_intent"} 9999
    neilats_extender_calls_total{verb="prioritize",outcome="deadline"} 1
    neilats_extender_reports_total{outcome="applied"} 1000
    neilats_extender_reports_total{outcome="refused"} 3
    neilats_extender_probers{state="reporting"} 4
    neilats_extender_probers{state="silent"} 0
"""
BY_METRICS = [
    checks.not_synced,
    checks.windows_stale,
    checks.decides_blindly,
    checks.late,
    checks.refuses_reports,
    checks.probers_silent,
]


def running(name="e-1", **more):
    return pod(name, namespace="neilats", labels=EXTENDER, **more)


def measured(*lines, before=None):
    """A healthy extender's metrics, with some lines in place of its own."""
    names = {line.rpartition(" ")[0] for line in lines}
    kept = [line.strip() for line in HEALTHY.splitlines() if line.strip().rpartition(" ")[0] not in names]
    return Facts(extenders=[scrape("e", "\n".join([*kept, *lines]), before)])


@pytest.mark.parametrize("check", BY_METRICS)
def test_a_healthy_extender_has_no_findings(check):
    assert found(check, measured()) == []
    assert found(check, measured(before=HEALTHY)) == []


def test_no_extender_at_all_is_an_error():
    assert len(found(checks.missing, Facts())) == 1
    assert found(checks.missing, Facts(own_pods=[running()])) == []
    assert len(found(checks.missing, Facts(own_pods=[running(status={"phase": "Failed"})]))) == 1


def test_a_pod_that_is_not_ready_is_worse_when_it_is_the_only_one():
    broken = running(
        "e-2",
        status={"containerStatuses": [{"name": "extender", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]},
    )
    (alone,) = found(checks.not_ready, Facts(own_pods=[broken]))
    (beside,) = found(checks.not_ready, Facts(own_pods=[broken, running(ready=True)]))
    assert (alone.severity, beside.severity) == ("error", "warning")
    assert alone.what == "container extender: CrashLoopBackOff"
    assert "kubectl -n neilats describe pod e-2" in alone.fix


def test_an_extender_that_is_not_ready_by_its_own_account_is_found():
    assert len(found(checks.not_synced, measured("neilats_extender_ready 0"))) == 1


def test_stale_windows_are_counted_without_those_that_were_never_measured():
    (text,) = texts(checks.windows_stale, measured('neilats_extender_probe_paths{state="stale"} 30'))
    assert text == "pod neilats/pod-e: 30 of 120 measured paths are stale"


def test_of_an_older_extender_all_windows_are_counted():
    old = 'neilats_extender_windows{state="stale"} 30\nneilats_extender_windows{state="fresh"} 90'
    (text,) = texts(checks.windows_stale, Facts(extenders=[scrape("e", old)]))
    assert text == "pod neilats/pod-e: 30 of 120 measured paths are stale"


def test_neutral_answers_for_lack_of_data_are_a_share_of_those_about_intents():
    blind = measured('neilats_extender_calls_total{verb="prioritize",outcome="no_data"} 40')
    assert "28 % of 141 calls had no data" in texts(checks.decides_blindly, blind)[0]


def test_few_calls_say_nothing():
    facts = Facts(extenders=[scrape("e", 'neilats_extender_calls_total{verb="filter",outcome="no_data"} 9')])
    assert found(checks.decides_blindly, facts) == []


def test_late_answers_are_found():
    assert len(found(checks.late, measured('neilats_extender_calls_total{verb="filter",outcome="deadline"} 5'))) == 1


@pytest.mark.parametrize("outcome", ["unauthenticated", "refused", "unknown_node", "invalid", "too_large"])
def test_refused_reports_are_an_error_while_more_are_coming(outcome):
    line = f'neilats_extender_reports_total{{outcome="{outcome}"}}'
    (goes_on,) = found(checks.refuses_reports, measured(f"{line} 4", before=f"{HEALTHY}\n{line} 2"))
    (was,) = found(checks.refuses_reports, measured(f"{line} 40", before=f"{HEALTHY}\n{line} 40"))
    (once,) = found(checks.refuses_reports, measured(f"{line} 40"))
    assert [f.severity for f in (goes_on, was, once)] == ["error", "warning", "warning"]
    assert "and more are coming" in goes_on.what


def test_silent_probers_are_counted():
    (text,) = texts(checks.probers_silent, measured('neilats_extender_probers{state="silent"} 2'))
    assert text.endswith("2 ready nodes without a recent report")
