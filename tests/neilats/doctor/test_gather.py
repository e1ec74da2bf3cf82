"""Fetching the facts: everything once, in pages, as far as one is allowed to."""

import asyncio

import pytest
import yaml

from extender.cluster.api import ApiError
from neilats.doctor.facts import Source
from neilats.doctor.gather import gather
from neilats.doctor.reading import DoctorError
from neilats.doctor.visit import visit
from tests.neilats.doctor.builders import EXTENDER, GOOD_EXTENDER, PROBER, READY
from tests.neilats.doctor.fake_api import FakeApi

PODS, NODES, MAPS = "/api/v1/pods", "/api/v1/nodes", "/api/v1/configmaps"
DAEMONSETS = "/apis/apps/v1/daemonsets"


def pod(name, labels, *, namespace="neilats", node="node-1", ready=True, ports=(), **annotations):
    container = {"name": "extender" if labels is EXTENDER else "prober", "ports": list(ports)}
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": labels,
            "annotations": {f"neilats.io/{k.replace('_', '-')}": v for k, v in annotations.items()},
        },
        "spec": {"nodeName": node, "containers": [container], "schedulerName": "neilats-scheduler"},
        "status": {"conditions": [READY] if ready else []},
    }


def metrics(name, port, namespace="neilats"):
    return f"/api/v1/namespaces/{namespace}/pods/http:{name}:{port}/proxy/metrics"


@pytest.fixture
def api():
    """A healthy cluster with one node."""
    api = FakeApi()
    config = {
        "kind": "KubeSchedulerConfiguration",
        "profiles": [{"schedulerName": "neilats-scheduler", "percentageOfNodesToScore": 100}],
        "extenders": [GOOD_EXTENDER],
    }
    named = {"namespace": "neilats", "labels": PROBER}
    api.lists = {
        PODS: [pod("e-1", EXTENDER), pod("p-1", PROBER)],
        NODES: [{"metadata": {"name": "node-1"}, "status": {"conditions": [READY]}}],
        DAEMONSETS: [{"metadata": {"name": "neilats-prober"} | named, "spec": {}, "status": {}}],
        MAPS: [{"metadata": {"name": "c", "namespace": "neilats"}, "data": {"config.yaml": yaml.safe_dump(config)}}],
    }
    api.texts[metrics("e-1", 9426)] = ["neilats_extender_ready 1\n"]
    api.texts[metrics("p-1", 9427)] = ["neilats_prober_targets 3\n"]
    return api


async def once(api, namespace=""):
    return await gather(api, namespace, pause=None, clock=lambda: 42.0)


async def test_a_healthy_cluster_is_read_and_has_no_findings(api):
    report = await visit(api)
    assert (report.findings, report.notes) == ((), ())
    assert len(report.checked) > 30


async def test_the_metrics_are_read_through_the_pod_proxy_twice_around_the_pause(api):
    api.texts[metrics("e-1", 9426)] = [f"neilats_extender_reports_total {n}\n" for n in (5, 8)]
    paused = []

    async def pause():
        paused.append(len(api.asked))

    facts = await gather(api, pause=pause)
    assert facts.extenders[0].recent.total("neilats_extender_reports_total") == 3
    assert paused == [len(api.asked) - 2]


async def test_nobody_waits_where_there_are_no_metrics(api):
    api.refuse("proxy")

    async def pause():
        raise AssertionError("waited for nothing")

    facts = await gather(api, pause=pause)
    assert facts.unread[Source.PROBERS] == "get pods/proxy in namespace neilats"
    assert facts.notes == ()


async def test_a_pod_that_goes_between_the_two_looks_is_as_it_was(api):
    async def pause():
        api.refuse("e-1")

    facts = await gather(api, pause=pause)
    assert facts.extenders[0].before is None
    assert facts.probers[0].before is not None


async def test_the_port_that_the_container_names_is_asked(api):
    named = pod("e-1", EXTENDER, ports=[{"name": "metrics", "containerPort": 1234}])
    api.lists[PODS] = [named]
    api.texts[metrics("e-1", 1234)] = ["neilats_extender_ready 0\n"]
    assert (await once(api)).extenders[0].now.value("neilats_extender_ready") == 0


async def test_an_extender_that_runs_as_a_sidecar_is_one(api):
    sidecar = pod("e-1", EXTENDER)
    sidecar["spec"]["initContainers"] = [{"name": "extender", "ports": [{"name": "metrics", "containerPort": 1234}]}]
    sidecar["spec"]["containers"] = [{"name": "kube-scheduler"}]
    api.lists[PODS] = [sidecar]
    api.texts[metrics("e-1", 1234)] = ["neilats_extender_ready 0\n"]
    assert len((await once(api)).extenders) == 1


async def test_metrics_without_a_port_of_their_own_are_asked_over_tls(api):
    api.lists[PODS][0] = pod("e-1", EXTENDER, ports=[{"name": "api", "containerPort": 8080}])
    path = metrics("e-1", 8080).replace("http:", "https:")
    api.texts[path] = ["neilats_extender_ready 0\n"]
    assert (await once(api)).extenders[0].now.value("neilats_extender_ready") == 0


async def test_of_protected_metrics_the_note_says_so_and_how_to_open_them(api):
    api.lists[PODS][0] = pod("e-1", EXTENDER, ports=[{"name": "api", "containerPort": 8080}])
    api.errors[metrics("e-1", 8080).replace("http:", "https:")] = ApiError.of_status(401, "a token is missing")
    facts = await once(api)
    assert "Set auth.metrics to open" in facts.unread[Source.EXTENDERS]
    assert facts.notes == ()


@pytest.mark.parametrize(
    ("annotations", "labels", "release"),
    [
        ({}, {}, "neilats"),
        ({}, {"app.kubernetes.io/instance": "near"}, "near"),
        ({"meta.helm.sh/release-name": "far"}, {"app.kubernetes.io/instance": "near"}, "far"),
    ],
)
async def test_the_release_is_found_and_named_in_commands(api, annotations, labels, release):
    api.lists[PODS] = []
    api.lists[DAEMONSETS][0]["metadata"] |= {"namespace": "lab", "annotations": annotations, "labels": PROBER | labels}
    (missing,) = [f for f in (await visit(api)).findings if f.id == "extender-missing"]
    assert missing.fix == f"helm upgrade --install {release} deploy/helm/neilats -n lab --create-namespace"


async def test_pods_that_do_not_answer_are_told_and_the_others_are_heard(api):
    api.lists[PODS] += [pod("p-2", PROBER), pod("p-3", PROBER), pod("p-4", PROBER, ready=False)]
    api.texts[metrics("p-3", 9427)] = ["<html>\n"]
    facts = await once(api)
    assert [s.pod for s in facts.probers] == ["neilats/p-1"]
    assert facts.notes[0].startswith("2 of 3 pods do not show the metrics of the probers; the first says: 503 ")
    assert Source.PROBERS not in facts.unread


async def test_a_pod_that_never_answers_is_not_waited_for(api):
    api.delays["p-1"] = asyncio.Event().wait
    facts = await gather(api, pause=None, patience_s=0.01)
    assert "no answer from neilats/p-1" in facts.notes[0]
    assert len(facts.extenders) == 1


async def test_of_many_probers_a_sample_over_all_nodes_is_asked(api):
    api.lists[PODS] = [pod(f"p-{i}", PROBER, node=f"node-{i:03}") for i in range(200)]
    for i in range(200):
        api.texts[metrics(f"p-{i}", 9427)] = ["neilats_prober_targets 3\n"]
    facts = await once(api)
    nodes = sorted(s.node for s in facts.probers)
    assert (len(nodes), nodes[0]) == (64, "node-000")
    assert nodes[-1] > "node-190"
    assert facts.notes == ("metrics of the probers: 64 of 200 pods were asked",)


async def test_lists_are_read_in_pages(api):
    api.page = 2
    api.lists[NODES] = [{"metadata": {"name": f"node-{i}"}} for i in range(5)]
    assert [n.metadata.name for n in (await once(api)).nodes] == [f"node-{i}" for i in range(5)]


async def test_the_namespace_is_found_by_the_labels(api):
    api.lists[DAEMONSETS][0]["metadata"]["namespace"] = "lab"
    assert (await once(api)).namespace == "lab"
    assert (await once(api, "neilats")).namespace == "neilats"
    api.lists[DAEMONSETS] = []
    assert (await once(api)).namespace == "neilats"


async def test_of_two_installations_one_is_looked_at_and_it_is_said(api):
    other = {"metadata": {"name": "x", "namespace": "lab", "labels": PROBER}}
    api.lists[DAEMONSETS] += [other, other]
    facts = await once(api)
    assert facts.namespace == "lab"
    assert "neilats is in the namespaces lab, neilats: looked at lab" in facts.notes[0]


async def test_without_the_right_to_list_all_pods_those_of_neilats_are_read(api):
    api.errors[PODS] = ApiError.of_status(403, "forbidden")
    api.lists["/api/v1/namespaces/neilats/pods"] = [pod("e-1", EXTENDER), pod("other", {})]
    facts = await once(api)
    assert [p.metadata.name for p in facts.own_pods] == ["e-1"]
    assert facts.unread[Source.PODS] == "list pods in all namespaces"
    assert Source.OWN_PODS not in facts.unread


async def test_without_the_right_to_list_all_configmaps_two_namespaces_are_looked_at(api):
    api.errors[MAPS] = ApiError.of_status(403, "forbidden")
    api.lists["/api/v1/namespaces/neilats/configmaps"] = api.lists[MAPS]
    facts = await once(api)
    assert facts.serving == {"neilats-scheduler"}
    assert "in neilats and kube-system only" in facts.notes[0]


async def test_what_may_not_be_read_is_a_note_with_the_right_that_it_needs(api):
    api.refuse("/api", "/version")
    report = await visit(api)
    assert (report.findings, report.checked) == ((), ())
    assert any("node-clock-off" in n and "(needs: list leases in namespace kube-node-lease)" in n for n in report.notes)


async def test_an_api_that_the_server_lacks_is_a_note_with_its_words(api):
    api.errors["/apis/coordination"] = ApiError.of_status(404, "the server could not find the requested resource")
    facts = await once(api)
    assert facts.unread[Source.LEASES].endswith(
        "the API server says: 404 the server could not find the requested resource"
    )


async def test_a_list_that_cannot_be_read_is_a_note(api):
    api.lists[NODES] = [{"metadata": {"name": 7}}]
    assert "Expected `str`, got `int`" in (await once(api)).unread[Source.NODES]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ApiError("disconnected", "refused"), "cannot reach the API server: refused"),
        (ApiError("silent", "nothing came"), "cannot reach the API server: nothing came"),
        (ApiError.of_status(401, "Unauthorized"), "does not accept these credentials: 401 Unauthorized"),
    ],
)
async def test_an_api_server_that_cannot_be_asked_ends_it(api, error, words):
    api.errors["/version"] = error
    with pytest.raises(DoctorError, match=words):
        await once(api)


async def test_services_are_read_only_where_intents_name_them(api):
    api.lists[PODS].append(pod("web", {}, namespace="shop", peer_services="db,lab/api"))
    slice_labels = {"kubernetes.io/service-name": "db"}
    api.lists["/api/v1/namespaces/shop/services"] = [{"metadata": {"name": "db"}, "spec": {}}]
    api.lists["/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"] = [
        {"metadata": {"name": "db-1", "labels": slice_labels}, "endpoints": [{"nodeName": "node-1"}]}
    ]
    facts = await once(api)
    assert set(facts.services) == {"shop", "lab"}
    assert facts.slices["shop"].nodes_of("db") == {"node-1": 1}


@pytest.mark.parametrize(
    ("text", "deadline_ms", "shadow"),
    [
        ("deadline_ms: 500\nshadow: true", 500, True),
        ('deadline_ms: "500"', 500, False),
        ("deadline_ms: soon", 200, False),
        ("- no settings", 200, False),
        ("{", 200, False),
        ("", 200, False),
    ],
)
async def test_the_extenders_settings_are_read_where_they_can_be(api, text, deadline_ms, shadow):
    meta = {"name": "neilats-extender-config", "namespace": "neilats"}
    api.lists[MAPS].append({"metadata": meta, "data": {"neilats.yaml": text}})
    settings = (await once(api)).settings
    assert (settings.deadline_ms, settings.shadow) == (deadline_ms, shadow)


async def test_the_nodes_leases_tell_the_time_before_the_doctors_own_clock(api):
    assert (await once(api)).now == 42.0
    lease = {"metadata": {"name": "node-1"}, "spec": {"renewTime": "1970-01-01T00:01:40.000000Z"}}
    api.lists["/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"] = [lease]
    assert (await once(api)).now == 100.0
