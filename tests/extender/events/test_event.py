"""The objects that events become."""

import re

from hypothesis import given
from hypothesis import strategies as st

from extender.events.event import Event
from extender.pods import Pod
from tests.extender.events.conftest import POD, an_event

DNS_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def test_the_object_names_the_pod_and_who_speaks():
    body = an_event().body(1_700_000_000.5, "neilats-0_ab")
    assert body["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": "shop",
        "name": "web",
        "uid": "uid-web",
    }
    assert (body["type"], body["reason"], body["count"]) == ("Warning", "LatencyPromiseBroken", 1)
    assert (body["source"], body["reportingInstance"]) == ({"component": "neilats"}, "neilats-0_ab")
    assert body["firstTimestamp"] == body["lastTimestamp"] == "2023-11-14T22:13:20Z"


def test_good_news_is_normal_and_the_rest_a_warning():
    kinds = {
        reason: an_event(reason=reason).body(0, "")["type"]
        for reason in ("LatencyPlacement", "LatencyPromiseKept", "LatencyNotEnforced", "InvalidLatencyIntent")
    }
    assert kinds == {
        "LatencyPlacement": "Normal",
        "LatencyPromiseKept": "Normal",
        "LatencyNotEnforced": "Warning",
        "InvalidLatencyIntent": "Warning",
    }


def test_the_name_tells_pods_and_reasons_apart_and_repetitions_not():
    other_pod = an_event(pod=Pod("shop", "web", "uid-2")).name
    names = {an_event().name, an_event(reason="LatencyPromiseKept").name, other_pod}
    assert len(names) == 3
    assert an_event("another text").name == an_event().name


@given(st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", fullmatch=True).filter(DNS_NAME.fullmatch))
def test_every_pods_events_have_valid_names(name):
    found = Event(Pod("shop", name, "u"), "LatencyPlacement", "").name
    assert DNS_NAME.fullmatch(found)
    assert len(found) <= 253


@given(st.text(max_size=3000))
def test_no_message_is_longer_than_the_api_allows(text):
    cut = Event(POD, "LatencyPlacement", text).text
    assert len(cut.encode()) <= 1024
    assert cut == text or cut.endswith("...")
