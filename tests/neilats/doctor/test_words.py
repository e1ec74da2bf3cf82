"""How the findings name things."""

import pytest

from neilats.doctor.words import few, percent, plural, pod_trouble, workload
from tests.neilats.doctor.builders import pod

BACKING_OFF = {"name": "extender", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}}
BEHIND_IT = {"name": "kube-scheduler", "state": {"waiting": {"reason": "PodInitializing"}}}
STARTING = {"name": "extender", "state": {}}
DONE = {"name": "setup", "ready": True, "state": {"terminated": {"reason": "Completed"}}}
UNPLACED = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (
            {"initContainerStatuses": [BACKING_OFF], "containerStatuses": [BEHIND_IT]},
            "extender: CrashLoopBackOff (back-off)",
        ),
        (
            {"initContainerStatuses": [DONE, STARTING], "containerStatuses": [BEHIND_IT]},
            "extender, kube-scheduler is not",
        ),
        ({"containerStatuses": [{"name": "a", "state": {"terminated": {"reason": "Error"}}}]}, "a has ended: Error"),
        ({"conditions": [UNPLACED]}, "is not scheduled: 0/3 nodes are available"),
        ({}, "is not ready"),
    ],
)
def test_why_a_pod_is_not_ready(status, words):
    assert words in pod_trouble(pod("p", status=status))


@pytest.mark.parametrize(
    ("owner", "labels", "expected"),
    [
        (None, {}, ("pod", "p")),
        (("StatefulSet", "db"), {}, ("statefulset", "db")),
        (("ReplicaSet", "web-7c9f"), {"pod-template-hash": "7c9f"}, ("deployment", "web")),
        (("ReplicaSet", "web-7c9f"), {}, ("replicaset", "web-7c9f")),
    ],
)
def test_a_pod_is_named_by_what_made_it(owner, labels, expected):
    assert workload(pod("p", owner=owner, labels=labels)) == expected


def test_long_lists_are_cut_and_numbers_have_their_words():
    assert few("gfedcbaa") == "a, b, c, d, e and 2 more"
    assert (plural(1, "check"), plural(2, "check"), plural(0, "entry", "entries")) == (
        "1 check",
        "2 checks",
        "0 entries",
    )
    assert (percent(0.005), percent(0), percent(0.333)) == ("<1 %", "0 %", "33 %")
