"""Who may do what: the roles are exactly those that are needed, and the network lets in whom it must."""

import pytest

from tests.deploy.chart import Helm, Rendered

Rule = tuple[str, str, tuple[str, ...], tuple[str, ...]]

OF_EXTENDER: set[Rule] = {
    ("", "nodes", (), ("list", "watch")),
    ("", "pods", (), ("get", "list", "watch")),
    ("", "pods", (), ("patch",)),
    ("", "services", (), ("list", "watch")),
    ("discovery.k8s.io", "endpointslices", (), ("list", "watch")),
    ("", "events", (), ("create", "get", "patch")),
    ("authentication.k8s.io", "tokenreviews", (), ("create",)),
    ("authorization.k8s.io", "subjectaccessreviews", (), ("create",)),
}


def rules(role: dict[str, object]) -> set[Rule]:
    found: list[dict[str, list[str]]] = role["rules"]  # type: ignore[assignment]
    return {
        (group, resource, tuple(r.get("resourceNames", ())), tuple(sorted(r["verbs"])))
        for r in found
        for group in r["apiGroups"]
        for resource in r["resources"]
    }


def bound(rendered: Rendered, account: str) -> set[tuple[str, str, str]]:
    """(kind of role, its name, where) of every binding of a service account."""
    return {
        (o["roleRef"]["kind"], o["roleRef"]["name"], o["metadata"].get("namespace", ""))
        for o in rendered.objects
        if o["kind"].endswith("RoleBinding") and account in {s["name"] for s in o["subjects"]}
    }


def lease(name: str) -> set[Rule]:
    group = "coordination.k8s.io"
    return {(group, "leases", (), ("create",)), (group, "leases", (name,), ("get", "update"))}


@pytest.mark.parametrize("sets", [{}, {"split": True}, {"mode": "extender-only"}])
def test_the_extender_may_do_exactly_this(helm: Helm, sets: dict[str, object]) -> None:
    rendered = helm.render(**sets)
    assert rules(rendered.get("ClusterRole", "neilats-extender")) == OF_EXTENDER
    assert rules(rendered.get("Role", "neilats-extender")) == lease("neilats-events")
    assert bound(rendered, "neilats-extender") - {("ClusterRole", "neilats-viewer", "")} == {
        ("ClusterRole", "neilats-extender", ""),
        ("Role", "neilats-extender", "neilats"),
    }


def test_kube_scheduler_may_do_what_kubernetes_grants_it_and_keep_its_lease(helm: Helm) -> None:
    rendered = helm.render()
    assert rules(rendered.get("Role", "neilats-scheduler")) == lease("neilats-scheduler")
    assert bound(rendered, "neilats-scheduler") == {
        ("ClusterRole", "system:kube-scheduler", ""),
        ("ClusterRole", "system:volume-scheduler", ""),
        ("Role", "neilats-scheduler", "neilats"),
        ("Role", "extension-apiserver-authentication-reader", "kube-system"),
    }


def test_the_probers_account_may_do_nothing(helm: Helm) -> None:
    rendered = helm.render()
    assert rendered.has("ServiceAccount", "neilats-prober")
    assert bound(rendered, "neilats-prober") == set()


def test_viewers_may_call_what_people_and_plugins_call(helm: Helm) -> None:
    subjects = [{"kind": "User", "name": "jo", "apiGroup": "rbac.authorization.k8s.io"}]
    rendered = helm.render(auth__viewers=subjects)
    assert rendered.get("ClusterRole", "neilats-viewer")["rules"] == [
        {"nonResourceURLs": ["/v1/*"], "verbs": ["get", "post"]},
        {"nonResourceURLs": ["/openapi.json"], "verbs": ["get"]},
        {"nonResourceURLs": ["/predict/*", "/adf_score"], "verbs": ["post"]},
    ]
    assert bound(rendered, "jo") == {("ClusterRole", "neilats-viewer", "")}
    assert not rendered.has("ClusterRole", "neilats-metrics")


@pytest.mark.parametrize(
    ("sets", "where", "account"),
    [
        ({"scheduler__replicas": 2}, "Deployment/neilats-scheduler/extender", "neilats-scheduler"),
        ({"split": True}, "Deployment/neilats-extender/extender", "neilats-extender"),
        ({"mode": "extender-only"}, "DaemonSet/neilats-extender/extender", "neilats-extender"),
    ],
)
def test_by_exec_into_one_of_several_replicas_all_can_be_asked(
    helm: Helm, sets: dict[str, object], where: str, account: str
) -> None:
    rendered = helm.render(**sets)
    spec, extender = rendered.container(where)
    env = {e["name"]: e["value"] for e in extender["env"]}
    assert env["NEILATS_URL"] == "https://localhost:8080,https://neilats-extender.neilats.svc:8080"
    assert env["NEILATS_TOKEN_FILE"] == "/var/run/secrets/neilats/token"
    (token,) = [v for v in spec["volumes"] if v["name"] == "caller"]
    assert token["projected"]["sources"][0]["serviceAccountToken"]["audience"] == "neilats"
    assert spec["serviceAccountName"] == account
    assert ("ClusterRole", "neilats-viewer", "") in bound(rendered, account)


def test_by_exec_into_the_only_replica_no_token_is_needed(helm: Helm) -> None:
    rendered = helm.render()
    _, extender = rendered.container("Deployment/neilats-scheduler/extender")
    env = {e["name"]: e["value"] for e in extender["env"]}
    assert env == {"NEILATS_URL": "https://localhost:8080", "NEILATS_CA_FILE": "/etc/neilats/tls/ca.crt"}
    assert not rendered.has("ClusterRoleBinding", "neilats-viewer")


def test_the_network_lets_probers_report_and_anybody_scrape_and_nobody_else_in(helm: Helm) -> None:
    policy = helm.render().get("NetworkPolicy", "neilats-extender")["spec"]
    reports, scrapes = policy["ingress"]
    assert [p["port"] for p in reports["ports"]] == [8080]
    (peer,) = reports["from"]
    assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "prober"
    assert scrapes == {"ports": [{"port": 9426}]}
    assert policy["policyTypes"] == ["Ingress"]


def test_protected_metrics_may_be_scraped_on_the_port_that_asks_for_tokens(helm: Helm) -> None:
    rendered = helm.render(auth__metrics="protected")
    _, scrapes = rendered.get("NetworkPolicy", "neilats-extender")["spec"]["ingress"]
    assert scrapes == {"ports": [{"port": 8080}]}


def test_split_only_kube_scheduler_reaches_the_webhooks(helm: Helm) -> None:
    *_, webhooks = helm.render(split=True).get("NetworkPolicy", "neilats-extender")["spec"]["ingress"]
    assert [p["port"] for p in webhooks["ports"]] == [8443]
    (peer,) = webhooks["from"]
    assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "scheduler"


def test_probers_reach_one_another_by_any_protocol(helm: Helm) -> None:
    probes, scrapes = helm.render().get("NetworkPolicy", "neilats-prober")["spec"]["ingress"]
    assert "ports" not in probes
    assert scrapes == {"ports": [{"port": 9427}]}


def test_whom_the_values_name_gets_in_too(helm: Helm) -> None:
    tools = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "tools"}}}
    rendered = helm.render(networkPolicy__apiFrom=[tools], networkPolicy__metricsFrom=[tools])
    reports, scrapes = rendered.get("NetworkPolicy", "neilats-extender")["spec"]["ingress"]
    assert tools in reports["from"]
    assert scrapes["from"] == [tools]
