"""Probers on every node, and what their metrics say."""

import pytest

from neilats.doctor import coverage, probers
from neilats.doctor.facts import Facts
from neilats.doctor.remarks import remarks
from tests.neilats.doctor.builders import found, node, prober_pod, prober_set, scrape, texts

GPU = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
BY_METRICS = [
    probers.unheard,
    probers.coverage_low,
    probers.blocked,
    probers.cut_off,
    probers.without_targets,
    probers.noisy,
    probers.clock_steps,
]


def probing(received=97, lost=3, extra="", **lines):
    """Metrics of a prober; `lines` change the fields that they name."""
    values = {
        "coverage_ratio": "0.99",
        "targets": "3",
        "probes_sent_total": str(received + lost),
        "probes_received_total": str(received),
        "probes_lost_total": str(lost),
        "control_rtt_seconds": "0.0001",
        "loop_lag_seconds": "0.001",
        'reports_total{outcome="accepted"}': "20",
        'reports_total{outcome="unreachable"}': "1",
    } | lines
    return "\n".join([*(f"neilats_prober_{k} {v}" for k, v in values.items()), extra])


def of(*texts_, before=()):
    """Probers on node-0, node-1 and so on."""
    pairs = [(t, before[i] if before else None) for i, t in enumerate(texts_)]
    return Facts(probers=[scrape(f"node-{i}", now, old) for i, (now, old) in enumerate(pairs)])


def unmeasured(reason, count):
    return f'neilats_prober_probes_unmeasured_total{{reason="{reason}"}} {count}'


@pytest.mark.parametrize("check", BY_METRICS)
def test_healthy_probers_have_no_findings(check):
    assert found(check, of(probing(), probing(), probing(lost=0))) == []


def test_a_cluster_without_a_daemonset_is_an_error():
    assert len(found(coverage.probers_missing, Facts())) == 1
    assert found(coverage.probers_missing, Facts(daemonsets=[prober_set()])) == []


def missing(*nodes, **spec):
    return texts(coverage.missing_on_node, Facts(nodes=nodes, daemonsets=[prober_set(None, **spec)]))


def test_nodes_without_a_prober_are_named_with_what_keeps_it_away():
    assert missing(node("a", GPU), node("b", GPU)) == [
        "node a, b: no prober: the DaemonSet does not tolerate gpu=yes:NoSchedule"
    ]
    assert missing(node("a")) == ["node a: no prober: no pod was made for it"]


EDGE = {"labels": {"tier": "edge", "cores": "8"}}


def required(*expressions, **more):
    terms = [{"matchExpressions": list(expressions)} | more]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


def demand(key, operator, *values):
    return {"key": key, "operator": operator, "values": list(values)}


def test_nodes_that_the_selector_leaves_out_are_meant_to_have_no_prober():
    facts = Facts(nodes=[node("a"), node("b", **EDGE)], daemonsets=[prober_set(nodeSelector={"tier": "edge"})])
    assert texts(coverage.missing_on_node, facts) == ["node b: no prober: no pod was made for it"]
    assert [n for n in remarks(facts) if "no prober" in n and n.startswith("node a:")]


@pytest.mark.parametrize(
    ("demands", "wanted"),
    [
        ([demand("tier", "In", "edge")], True),
        ([demand("tier", "In", "core")], False),
        ([demand("tier", "NotIn", "edge")], False),
        ([demand("gone", "NotIn", "x")], True),
        ([demand("tier", "Exists")], True),
        ([demand("tier", "DoesNotExist")], False),
        ([demand("cores", "Gt", "4")], True),
        ([demand("cores", "Lt", "4")], False),
        ([demand("tier", "Lt", "4")], False),
        ([demand("tier", "Exists"), demand("cores", "Gt", "9")], False),
        ([], False),
    ],
)
def test_nodes_that_the_affinity_leaves_out_are_meant_to_have_no_prober(demands, wanted):
    assert bool(missing(node("a", **EDGE), affinity=required(*demands))) is wanted


def test_an_affinity_to_nodes_by_name_is_heeded():
    named = required(matchFields=[demand("metadata.name", "In", "a")])
    assert [line.partition(":")[0] for line in missing(node("a"), node("b"), affinity=named)] == ["node a"]


def test_an_affinity_that_demands_nothing_leaves_no_node_out():
    assert len(missing(node("a"), affinity={"podAntiAffinity": {}})) == 1


@pytest.mark.parametrize(
    "toleration",
    [
        {"operator": "Exists"},
        {"key": "gpu", "operator": "Exists"},
        {"key": "gpu", "value": "yes"},
        {"key": "gpu", "value": "yes", "effect": "NoSchedule"},
    ],
)
def test_a_tolerated_taint_is_not_what_keeps_it_away(toleration):
    assert missing(node("a", GPU), tolerations=[toleration]) == ["node a: no prober: no pod was made for it"]


@pytest.mark.parametrize("toleration", [{"key": "gpu"}, {"key": "gpu", "operator": "Exists", "effect": "NoExecute"}])
def test_a_toleration_of_something_else_does_not_help(toleration):
    assert "does not tolerate" in missing(node("a", GPU), tolerations=[toleration])[0]


def test_taints_that_every_daemonset_tolerates_and_nodes_that_are_not_ready_do_not_count():
    cordoned = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    assert missing(node("a", cordoned)) == ["node a: no prober: no pod was made for it"]
    assert missing(node("a", ready=False)) == []


def test_a_node_that_runs_no_linux_needs_no_prober():
    assert missing(node("a", labels={"kubernetes.io/os": "windows"})) == []


def test_probers_that_are_not_ready_are_grouped_by_the_reason():
    status = {"containerStatuses": [{"name": "prober", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}
    pods = [prober_pod(n, ready=False, status=status) for n in ("a", "b")] + [prober_pod("c")]
    (text,) = texts(coverage.not_ready, Facts(own_pods=pods))
    assert text == "pod prober-a, prober-b: container prober: ImagePullBackOff"


def test_a_cpu_limit_is_found_with_the_patch_that_removes_it():
    limited = prober_set({"resources": {"limits": {"cpu": "100m", "memory": "50Mi"}}})
    (finding,) = found(coverage.cpu_limit, Facts(daemonsets=[limited]))
    assert "/spec/template/spec/containers/0/resources/limits/cpu" in finding.fix
    assert found(coverage.cpu_limit, Facts(daemonsets=[prober_set({"resources": {"limits": {"memory": "1"}}})])) == []


def test_a_cpu_limit_that_helm_made_is_taken_back_by_helm():
    limited = prober_set({"resources": {"limits": {"cpu": "100m"}}}, release="near")
    (finding,) = found(coverage.cpu_limit, Facts(daemonsets=[limited]))
    assert finding.fix.startswith("helm upgrade near deploy/helm/neilats -n neilats --reuse-values --set prober.resou")


def test_reports_of_which_none_is_accepted_are_an_error():
    refused = probing(**{'reports_total{outcome="accepted"}': "0", 'reports_total{outcome="unauthorized"}': "9"})
    (finding,) = found(probers.unheard, of(refused, probing(), refused))
    assert finding.severity == "error"
    assert (finding.where, finding.what) == ("prober on node-0, node-2", "no report is accepted: unauthorized")
    assert "reporters" in finding.fix


def test_reports_of_which_many_are_refused_are_a_warning():
    (finding,) = found(probers.unheard, of(probing(**{'reports_total{outcome="unreachable"}': "18"})))
    assert finding.severity == "warning"


def test_reports_that_were_refused_before_the_doctor_watched_are_forgiven():
    old = probing(**{'reports_total{outcome="unauthorized"}': "500"})
    now = probing(**{'reports_total{outcome="unauthorized"}': "500", 'reports_total{outcome="accepted"}': "23"})
    assert found(probers.unheard, of(now, before=[old])) == []


def test_low_coverage_is_told_with_its_reasons():
    text = texts(probers.coverage_low, of(probing(coverage_ratio="0.5", extra=unmeasured("control", 40))))[0]
    assert text == "prober on node-0: coverage is 50 %; unmeasured for: control"
    assert found(probers.coverage_low, of(probing(coverage_ratio="NaN"))) == []


def test_probes_that_nobody_answers_suggest_udp():
    (finding,) = found(probers.blocked, of(probing(received=0, lost=60), probing(received=0, lost=60)))
    assert "--set prober.mode=udp" in finding.fix
    assert found(probers.cut_off, of(probing(received=0, lost=60), probing(received=0, lost=60))) == []


def test_a_cut_node_is_told_from_those_that_only_miss_it():
    facts = of(probing(received=0, lost=60), probing(received=66, lost=33), probing(received=66, lost=33))
    (finding,) = found(probers.cut_off, facts)
    assert finding.where == "node node-0"
    assert "loses 100 % of its probes; the others lose 33 %" in finding.what
    assert found(probers.blocked, facts) == []


def test_a_node_that_was_cut_just_now_shows_between_the_two_looks():
    before = [probing(received=9000, lost=0)] * 3
    now = [probing(received=9000, lost=6), *[probing(received=9004, lost=2)] * 2]
    assert [f.where for f in found(probers.cut_off, of(*now, before=before))] == ["node node-0"]
    assert found(probers.cut_off, of(*now)) == []


def test_probers_without_probes_yet_say_nothing():
    assert found(probers.blocked, of(probing(received=0, lost=1), probing(received=0, lost=0))) == []


def test_targets_that_are_missing_or_ignored_are_found():
    assert found(probers.without_targets, of(probing(targets="0"))) == []  # alone in its cluster
    ignored = 'neilats_prober_targets_ignored{reason="address"} 2'
    assert texts(probers.without_targets, of(probing(targets="0"), probing(extra=ignored))) == [
        "prober on node-0: it has no targets",
        "prober on node-1: 2 targets are not probed: no usable address",
    ]


def test_a_prober_that_spoils_its_own_samples_is_noisy():
    noise = "\n".join((unmeasured("control", 6), unmeasured("lag", 6)))
    assert "12 samples dropped as noise beside 100 probes" in texts(probers.noisy, of(probing(extra=noise)))[0]
    assert found(probers.noisy, of(probing(extra=unmeasured("stalled", 50)))) == []
    assert found(probers.noisy, of(probing(extra=unmeasured("lag", 9)))) == []


def test_clocks_that_step_often_are_found():
    assert found(probers.clock_steps, of(probing(extra=unmeasured("clock", 1)))) == []
    assert len(found(probers.clock_steps, of(probing(extra=unmeasured("clock", 5))))) == 1
