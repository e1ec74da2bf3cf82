"""What makes an extender worse over time."""

import pytest

from neilats.doctor import upkeep
from neilats.doctor.facts import Facts
from tests.neilats.doctor.builders import PROBER, found, pod, scrape, texts

DAY = 86_400
EXPIRY = 'neilats_extender_certificate_expiry_timestamp_seconds{listener="api"}'


def measured(metrics, before=None, **facts):
    return Facts(extenders=[scrape("e", metrics, before)], **facts)


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("token_reviews", "create tokenreviews"),
        ("access_reviews", "create subjectaccessreviews"),
        ("events", "events"),
        ("pod_wakes", "patch pods"),
    ],
)
def test_requests_that_fail_now_name_the_right_that_they_need(name, right):
    line = f'neilats_extender_{name}_total{{outcome="failed"}}'
    (finding,) = found(upkeep.lacks_rights, measured(f"{line} 3"))
    assert right in finding.fix
    assert found(upkeep.lacks_rights, measured(f"{line} 3", before=f"{line} 3")) == []
    assert len(found(upkeep.lacks_rights, measured(f"{line} 4", before=f"{line} 3"))) == 1


def test_a_model_that_failed_to_load_is_found():
    line = 'neilats_extender_model_loads_total{outcome="failed"}'
    assert found(upkeep.model_not_loaded, measured(f"{line} 0")) == []
    assert "1 model load failed" in texts(upkeep.model_not_loaded, measured(f"{line} 1"))[0]


@pytest.mark.parametrize(("skill", "count"), [("-0.2", 1), ("0", 0), ("0.3", 0), ("NaN", 0)])
def test_only_a_negative_skill_is_worse_than_naive(skill, count):
    assert len(found(upkeep.worse_than_naive, measured(f"neilats_forecast_skill_ratio {skill}"))) == count


@pytest.mark.parametrize(("left", "severities"), [(30, []), (6, ["warning"]), (-1, ["error"])])
def test_certificates_are_told_before_they_expire(left, severities):
    facts = measured(f"{EXPIRY} {1000 * DAY + left * DAY}", now=1000.0 * DAY)
    assert [f.severity for f in found(upkeep.certificate_expires, facts)] == severities


def test_a_renewed_certificate_that_cannot_be_read_is_found():
    facts = measured('neilats_extender_tls_reloads_total{outcome="failed"} 1')
    assert "1 renewed certificate could not be read" in texts(upkeep.certificate_expires, facts)[0]


@pytest.mark.parametrize(
    ("status", "count"),
    [
        ({"restartCount": 1}, 0),
        ({"restartCount": 3}, 1),
        ({"restartCount": 1, "lastState": {"terminated": {"reason": "OOMKilled"}}}, 1),
        ({"restartCount": 1, "lastState": {"terminated": {"reason": "Error"}}}, 0),
        (
            {"restartCount": 1, "lastState": {"terminated": {"reason": "Error", "finishedAt": "1970-01-01T00:10:00Z"}}},
            1,
        ),
        (
            {"restartCount": 1, "lastState": {"terminated": {"reason": "Error", "finishedAt": "1970-01-01T00:00:00Z"}}},
            0,
        ),
        (
            {
                "restartCount": 1,
                "lastState": {"terminated": {"reason": "Completed", "finishedAt": "1970-01-01T00:10:00Z"}},
            },
            0,
        ),
    ],
    ids=["once", "three times", "out of memory", "some time ago", "just now", "long ago", "in order"],
)
def test_fresh_failures_and_restarts_again_and_again_and_oom_kills_are_found(status, count):
    item = pod("p", labels=PROBER, ready=True, status={"containerStatuses": [{"name": "prober"} | status]})
    assert len(found(upkeep.pod_restarts, Facts(own_pods=[item], now=1000.0))) == count
