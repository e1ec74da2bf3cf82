"""kube-scheduler's configuration: whether it asks neilats, and with which verbs."""

import msgspec
import pytest

from neilats.doctor.calls import hangs_up_early, samples_nodes, weighs_little
from neilats.doctor.facts import Facts
from neilats.doctor.scheduler import (
    does_not_filter,
    does_not_score,
    evicts_in_vain,
    hidden_configs,
    not_ignorable,
    sends_nodes,
    served_twice,
    without_neilats,
)
from tests.neilats.doctor.builders import (
    GOOD_EXTENDER,
    asking,
    asking_neilats,
    found,
    kube_scheduler,
    pod,
    requiring,
    scheduler_config,
    texts,
)


def test_the_charts_configuration_is_in_order():
    facts = Facts(configs=[asking_neilats()], version="v1.36.3", pods=[requiring("web")])
    for check in (without_neilats, sends_nodes, not_ignorable, does_not_score, does_not_filter, evicts_in_vain):
        assert found(check, facts) == []


@pytest.mark.parametrize(
    "url",
    [
        "https://neilats-extender.neilats.svc:8443/scheduler",
        "http://127.0.0.1:8888/",
        "http://localhost:1/x/scheduler/",
    ],
)
def test_an_extender_is_ours_by_its_port_or_its_path(url):
    assert asking_neilats(urlPrefix=url).neilats


@pytest.mark.parametrize(
    "url", ["http://gpushare.kube-system:32766/gpushare-scheduler", "http://a:70000/scheduler", ""]
)
def test_others_extenders_are_not_ours(url):
    assert not asking_neilats(urlPrefix=url).neilats


def test_a_cluster_in_which_nobody_asks_neilats_is_an_error():
    other = scheduler_config({"urlPrefix": "http://gpu:1/filter"}, labels={})
    (finding,) = found(without_neilats, Facts(configs=[other]))
    assert finding.severity == "error"
    assert "neilats-scheduler-config" in finding.what
    assert "none was found" in found(without_neilats, Facts())[0].what


def test_the_charts_own_configuration_must_ask_neilats_even_if_another_does():
    own, other = scheduler_config({"urlPrefix": "http://gpu:1/filter"}), asking_neilats()
    assert len(found(without_neilats, Facts(configs=[own, other]))) == 1


def test_a_host_file_may_ask_neilats_so_nothing_is_claimed():
    facts = Facts(pods=[kube_scheduler("kube-scheduler", "--config=/etc/kubernetes/scheduler.yaml")])
    assert hidden_configs(facts) == {"kube-system/kube-scheduler-cp": "/etc/kubernetes/scheduler.yaml"}
    assert found(without_neilats, facts) == []


def test_only_a_configuration_in_no_configmap_is_hidden():
    mounted = kube_scheduler("--config", "/etc/s.yaml", volumes=[{"name": "c", "configMap": {"name": "c"}}])
    assert hidden_configs(Facts(pods=[mounted])) == {}
    assert hidden_configs(Facts(pods=[kube_scheduler("kube-scheduler", "--leader-elect=true")])) == {}
    assert hidden_configs(Facts(pods=[pod("app", containers=[{"name": "a", "args": ["--config=x"]}])])) == {}
    assert list(hidden_configs(Facts(pods=[kube_scheduler("--config", "/etc/s.yaml")])).values()) == ["/etc/s.yaml"]


@pytest.mark.parametrize(
    ("version", "severity"), [("v1.36.3", "error"), ("v1.33.0-gke.1", "error"), ("v1.32.9", "warning")]
)
def test_whole_nodes_are_an_error_since_they_are_seen_empty(version, severity):
    (finding,) = found(sends_nodes, Facts(configs=[asking_neilats(nodeCacheCapable=None)], version=version))
    assert finding.severity == severity
    assert "kubectl -n neilats edit configmap neilats-scheduler-config" in finding.fix


@pytest.mark.parametrize(
    ("check", "changes", "value"),
    [
        (weighs_little, {"weight": 1}, "scheduler.weight=100"),
        (does_not_filter, {"filterVerb": None}, "'scheduler.verbs={filter,prioritize,preempt}'"),
        (does_not_score, {"prioritizeVerb": None, "preemptVerb": None}, "'scheduler.verbs={filter,prioritize}'"),
        (hangs_up_early, {"httpTimeout": "100ms"}, "scheduler.httpTimeout=1s"),
    ],
)
def test_what_helm_made_is_mended_by_helm_lest_the_next_upgrade_undoes_it(check, changes, value):
    config = asking_neilats(release="near", namespace="lab", **changes)
    (finding,) = found(check, Facts(configs=[config], pods=[requiring("web")]))
    command, _, _ = finding.fix.partition("   #")
    assert command == f"helm upgrade near deploy/helm/neilats -n lab --reuse-values --set {value}"


def test_a_sample_of_the_nodes_is_mended_by_helm_too():
    config = scheduler_config(GOOD_EXTENDER, profile={"percentageOfNodesToScore": 50}, release="near")
    (finding,) = found(samples_nodes, Facts(configs=[config]))
    assert "--set scheduler.percentageOfNodesToScore=100" in finding.fix


def elected(namespace, **election):
    return scheduler_config(GOOD_EXTENDER, namespace=namespace, release=namespace, leaderElection=election)


def test_two_releases_that_serve_one_name_under_leases_of_their_own_are_an_error():
    configs = [elected(ns, resourceNamespace=ns, resourceName="neilats-scheduler") for ns in ("one", "two")]
    (finding,) = found(served_twice, Facts(configs=configs))
    assert (finding.severity, finding.where) == ("error", "scheduler neilats-scheduler")
    assert "one/neilats-scheduler" in finding.what
    assert "helm upgrade two deploy/helm/neilats -n two" in finding.fix


def test_without_election_every_configuration_serves_for_itself():
    assert len(found(served_twice, Facts(configs=[elected(ns, leaderElect=False) for ns in ("one", "two")]))) == 1


def test_replicas_under_one_lease_serve_one_name():
    assert found(served_twice, Facts(configs=[elected("one"), elected("two")])) == []


def test_an_extender_that_is_not_ignorable_blocks_pods():
    assert len(found(not_ignorable, Facts(configs=[asking_neilats(ignorable=False)]))) == 1


def test_a_missing_prioritize_verb_is_found():
    assert len(found(does_not_score, Facts(configs=[asking_neilats(prioritizeVerb="")]))) == 1


@pytest.mark.parametrize(("check", "verb"), [(does_not_filter, "filterVerb"), (evicts_in_vain, "preemptVerb")])
def test_filter_and_preempt_matter_where_pods_of_this_scheduler_require(check, verb):
    config = asking_neilats(**{verb: None})
    prefers = asking("web", peer_nodes="node-1")
    elsewhere = requiring("far")
    elsewhere = msgspec.structs.replace(elsewhere, spec=msgspec.structs.replace(elsewhere.spec, scheduler_name="other"))
    assert found(check, Facts(configs=[config], pods=[prefers, elsewhere])) == []
    assert "shop/web-7c9f-x" in texts(check, Facts(configs=[config], pods=[requiring("web")]))[0]


def test_every_configuration_is_looked_at():
    facts = Facts(configs=[asking_neilats(ignorable=False), asking_neilats(), asking_neilats(ignorable=None)])
    assert len(found(not_ignorable, facts)) == 2
