"""What pods say: annotations, the old labels, and every mistake in them."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extender.intents import ANNOTATIONS, PREFIX, Intent, Pod, parse_intent
from extender.pods import PodError
from extender.selectors import parse_selector

PROFILES = ("attainment", "forecast", "seed")


def pod(labels: Any = None, **annotations: str) -> Pod:
    """A pod with annotations below our prefix: `peer_nodes="a"` is `neilats.io/peer-nodes: a`."""
    named = {PREFIX + k.replace("_", "-"): v for k, v in annotations.items()}
    return Pod("shop", "web-1", labels=labels or {}, annotations=named)


def intent_of(said: Pod) -> Intent:
    intent = parse_intent(said, PROFILES)
    assert intent is not None
    return intent


def mistakes_of(labels: dict[str, str] | None = None, **annotations: str) -> str:
    return "\n".join(intent_of(pod(labels, **annotations)).mistakes)


# -- the pod ----------------------------------------------------------------------------------------------------


def test_a_pod_is_reduced_to_the_fields_that_matter() -> None:
    raw = {
        "metadata": {
            "namespace": "shop",
            "name": "web-1",
            "uid": "u1",
            "labels": {"app": "web"},
            "annotations": {"a": "b"},
            "ownerReferences": [{"uid": "other"}, {"uid": "rs1", "controller": True}],
            "deletionTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": "c"}]},
        "status": {"phase": "Running"},
    }
    assert Pod.from_json(raw) == Pod(
        "shop", "web-1", "u1", "node-1", {"app": "web"}, {"a": "b"}, "rs1", "Running", deleted=True
    )
    assert Pod.from_json(raw, annotations=False).annotations == {}


@pytest.mark.parametrize("absent", [None, {}], ids=["null", "empty"])
def test_null_and_missing_fields_of_a_pod_are_empty(absent: dict[str, str] | None) -> None:
    raw = {"metadata": {"name": "p", "labels": absent, "annotations": absent, "ownerReferences": None}, "spec": None}
    assert Pod.from_json(raw) == Pod("default", "p")


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        ([], "pod must be an object, not list"),
        ({}, "metadata.name is missing"),
        ({"metadata": []}, "metadata must be an object"),
        ({"metadata": {"name": 5}}, "metadata.name must be a string, not int"),
        ({"metadata": {"name": "p", "labels": ["a"]}}, "labels must be an object, not list"),
        ({"metadata": {"name": "p", "annotations": {"a": 1}}}, "annotations\\['a'\\] must be a string, not int"),
        ({"metadata": {"name": "p", "ownerReferences": {"uid": "u"}}}, "ownerReferences"),
        ({"metadata": {"name": "p", "ownerReferences": [{"controller": True, "uid": 1}]}}, "ownerReferences"),
        ({"metadata": {"name": "p"}, "spec": {"nodeName": 1}}, "spec.nodeName"),
        ({"metadata": {"name": "p"}, "status": {"phase": {}}}, "status.phase"),
    ],
)
def test_a_wrong_field_of_a_pod_is_named(raw: Any, named: str) -> None:
    with pytest.raises(PodError, match=named):
        Pod.from_json(raw)


@pytest.mark.parametrize(
    ("state", "node"),
    [
        ({"phase": "Running"}, "n"),
        ({"phase": "Pending"}, "n"),
        ({"phase": "Succeeded"}, ""),
        ({"phase": "Failed"}, ""),
        ({"phase": "Running", "deleted": True}, ""),
    ],
)
def test_a_finished_or_leaving_pod_occupies_no_node(state: dict[str, Any], node: str) -> None:
    assert Pod("shop", "p", node="n", **state).occupies == node


# -- annotations ------------------------------------------------------------------------------------------------


def test_a_pod_without_our_annotations_says_nothing() -> None:
    assert parse_intent(Pod("shop", "p", annotations={"example.com/mode": "x"}, labels={"app": "db"}), PROFILES) is None


def test_every_annotation_is_read() -> None:
    said = pod(
        peer_nodes="a, b,a",
        peer_services="db, other/cache",
        peer_pods="app=db,!old",
        peer_policy="any",
        max_rtt_ms=" 2.5 ",
        mode="require",
        on_unknown="deny",
        profile="seed",
    )
    assert intent_of(said) == Intent(
        peer_nodes=("a", "b"),
        peer_services=(("shop", "db"), ("other", "cache")),
        peer_pods=parse_selector("app=db,!old"),
        policy="any",
        max_rtt_ms=2.5,
        mode="require",
        on_unknown="deny",
        profile="seed",
    )


@pytest.mark.parametrize(
    ("peers", "policy"),
    [
        ({"peer_nodes": "a"}, "all"),
        ({"peer_services": "db"}, "mean"),
        ({"peer_pods": "app=db"}, "mean"),
        ({"peer_nodes": "a", "peer_services": "db"}, "all"),
    ],
)
def test_the_worst_path_counts_by_default_only_where_nodes_are_named(peers: dict[str, str], policy: str) -> None:
    assert intent_of(pod(**peers)).policy == policy


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("peer_nodes", "", "names nothing"),
        ("peer_nodes", " , ", "names nothing"),
        ("peer_nodes", "Node_1", "'Node_1' is no node name"),
        ("peer_nodes", ",".join(f"n{i}" for i in range(65)), "names 65 peers; the most is 64"),
        ("peer_services", "a/b/c", "no namespace name"),
        ("peer_services", "shop/", "no service name"),
        ("peer_pods", "", "selects nothing"),
        ("peer_pods", "app in", "no requirement"),
        ("peer_policy", "worst", "expected all or mean or any"),
        ("max_rtt_ms", "5ms", "without a unit"),
        ("max_rtt_ms", "0", "above 0"),
        ("max_rtt_ms", "-1", "above 0"),
        ("max_rtt_ms", "nan", "above 0"),
        ("max_rtt_ms", "1e999", "above 0"),
        ("max_rtt_ms", "1_0", "above 0"),
        ("max_rtt_ms", "\u0665", "above 0"),
        ("mode", "Prefer", "expected prefer or require"),
        ("mode", "strict", "expected prefer or require"),
        ("on_unknown", "yes", "expected allow or deny"),
        ("profile", "sed", "did you mean seed?"),
        ("profile", "zzz", "expected attainment or forecast or seed"),
    ],
)
def test_a_mistake_says_which_annotation_has_which_value(name: str, value: str, complaint: str) -> None:
    (mistake,) = intent_of(pod(**({"peer_services": "db"} | {name: value}))).mistakes
    assert mistake.startswith(f"{PREFIX}{name.replace('_', '-')}='{value[:20]}")
    assert complaint in mistake
    assert len(mistake) < 250


def test_all_mistakes_are_found_at_once_and_the_rest_is_still_read() -> None:
    intent = intent_of(pod(peer_nodes="a", max_rtt_ms="x", mode="x", profile="x", on_unknown="deny"))
    assert len(intent.mistakes) == 3
    assert (intent.peer_nodes, intent.on_unknown, intent.mode) == (("a",), "deny", "prefer")


@pytest.mark.parametrize("text", ["requier", "Require", "required", " REQUIRES "])
def test_a_misspelt_require_requires_so_that_its_mistake_is_seen(text: str) -> None:
    intent = intent_of(pod(peer_nodes="a", max_rtt_ms="5", mode=text))
    assert (intent.mode, len(intent.mistakes)) == ("require", 1)


@pytest.mark.parametrize("text", ["", "prefre", "Prefer", "strict", "r" * 200_000])
def test_any_other_unreadable_mode_prefers(text: str) -> None:
    intent = intent_of(pod(peer_nodes="a", max_rtt_ms="5", mode=text))
    assert (intent.mode, len(intent.mistakes)) == ("prefer", 1)


@pytest.mark.parametrize("name", ANNOTATIONS)
@pytest.mark.parametrize("text", ["(" * 200_000, "\x00" * 200_000, "a=b c" * 40_000], ids=["open", "nul", "words"])
def test_a_huge_value_gives_short_mistakes(name: str, text: str) -> None:
    intent = intent_of(pod(**({"peer_services": "db"} | {name.replace("-", "_"): text})))
    assert intent.mistakes
    assert all(len(m) <= 203 for m in intent.mistakes)


def test_only_the_first_mistakes_are_told_and_how_many_more_there_are() -> None:
    said = Pod("shop", "p", annotations={f"{PREFIX}peer-node-{i}": "a" for i in range(20)})
    mistakes = intent_of(said).mistakes
    assert (len(mistakes), mistakes[-1]) == (6, "and 15 more")


def test_services_may_be_in_a_few_namespaces_only() -> None:
    eight = [f"ns-{i}/db" for i in range(7)] + ["db", "cache", "ns-0/cache"]
    assert intent_of(pod(peer_services=",".join(eight))).mistakes == ()
    assert "in 9 namespaces; the most is 8" in mistakes_of(peer_services=",".join([*eight, "more/db"]))


def test_a_limit_without_a_peer_is_a_mistake() -> None:
    assert mistakes_of(max_rtt_ms="5", mode="prefer") == (
        "neilats.io/max-rtt-ms, neilats.io/mode without a peer: add neilats.io/peer-nodes, peer-services or peer-pods"
    )


def test_requiring_without_a_limit_is_a_mistake() -> None:
    assert "needs neilats.io/max-rtt-ms" in mistakes_of(peer_nodes="a", mode="require")


@pytest.mark.parametrize(
    ("name", "meant"),
    [("max-rtt", "max-rtt-ms"), ("peer-node", "peer-nodes"), ("Peer_Services", "peer-services"), ("modes", "mode")],
)
def test_a_misspelt_annotation_is_a_mistake_with_a_suggestion(name: str, meant: str) -> None:
    intent = intent_of(Pod("shop", "p", annotations={PREFIX + name: "a"}))
    assert intent.mistakes == (f"{PREFIX}{name}: no such annotation; did you mean {PREFIX}{meant}?",)


@pytest.mark.parametrize("name", ["retry-at", "retry-mode", "owner-team"])
def test_annotations_of_ours_and_of_others_below_the_prefix_are_left_alone(name: str) -> None:
    assert parse_intent(Pod("shop", "p", annotations={PREFIX + name: "1"}), PROFILES) is None


# -- the old labels ---------------------------------------------------------------------------------------------


def test_the_old_labels_require() -> None:
    assert intent_of(pod({"nei_node": "node-1", "sla": "0.5"})) == Intent(
        peer_nodes=("node-1",), max_rtt_ms=0.5, mode="require", legacy=True
    )


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        ({"nei_node": "a"}, "label nei_node without label sla: set both or neither"),
        ({"sla": "5"}, "label sla without label nei_node: set both or neither"),
        ({"nei_node": "a", "sla": "fast"}, "label sla='fast'"),
        ({"nei_node": "a", "sla": "0"}, "label sla='0'"),
        ({"nei_node": "a", "sla": "NaN"}, "label sla='NaN'"),
        ({"nei_node": "", "sla": "5"}, "label nei_node=''"),
    ],
)
def test_half_or_unreadable_old_labels_are_a_mistake_of_a_required_intent(
    labels: dict[str, str], complaint: str
) -> None:
    intent = intent_of(pod(labels))
    assert (intent.legacy, intent.mode) == (True, "require")
    assert any(m.startswith(complaint) for m in intent.mistakes)


def test_annotated_peers_win_over_the_old_labels() -> None:
    intent = intent_of(pod({"sla": "gold"}, peer_nodes="b", max_rtt_ms="3"))
    assert (intent.legacy, intent.peer_nodes, intent.mistakes) == (False, ("b",), ())


def test_a_profile_may_stand_beside_the_old_labels_but_a_limit_may_not() -> None:
    labels = {"nei_node": "a", "sla": "5"}
    assert intent_of(pod(labels, profile="seed")).profile == "seed"
    assert "neilats.io/max-rtt-ms beside the labels" in mistakes_of(labels, max_rtt_ms="1")


# -- anything ---------------------------------------------------------------------------------------------------

ODD = "aZ5.-_/,=! ()\n\x00\u0665\u00e9"  # spelled out, because the whole of Unicode takes seconds to set up
TEXTS = st.one_of(st.text(ODD, max_size=20), st.sampled_from(["a", "5", "require", "seed", "app=db", "a/b", "any"]))


@given(
    st.dictionaries(st.sampled_from(ANNOTATIONS).map(PREFIX.__add__), TEXTS),
    st.dictionaries(st.sampled_from(["nei_node", "sla", "app"]), TEXTS),
)
def test_any_values_give_a_sound_intent_or_mistakes(annotations: dict[str, str], labels: dict[str, str]) -> None:
    intent = parse_intent(Pod("shop", "p", annotations=annotations, labels=labels), PROFILES)
    if intent is None:
        assert not annotations
        return
    assert intent.max_rtt_ms is None or (intent.max_rtt_ms > 0 and math.isfinite(intent.max_rtt_ms))
    assert intent.profile in ("", *PROFILES)
    peers = intent.peer_nodes or intent.peer_services or intent.peer_pods
    assert intent.mistakes or (peers and (intent.mode == "prefer" or intent.max_rtt_ms))
