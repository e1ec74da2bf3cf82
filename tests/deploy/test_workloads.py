"""What the chart's pods are, and what every combination of values has to keep."""

import re
from pathlib import Path

import pytest
import yaml

from tests.deploy.chart import CHART, CI, OPERATOR, Helm, binary, run

STRICT = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
BESIDE = "Deployment/neilats-scheduler/extender"
KUBE_SCHEDULER = "Deployment/neilats-scheduler/kube-scheduler"
PROBER = "DaemonSet/neilats-prober/prober"
SYSCTL = [{"name": "net.ipv4.ping_group_range", "value": "0 2147483647"}]

each_ci = pytest.mark.parametrize("values", CI, ids=lambda f: f.stem.removesuffix("-values"))


@each_ci
def test_no_workload_depends_on_the_scheduler_that_it_makes(helm: Helm, values: Path) -> None:
    assert {spec["schedulerName"] for _, spec in helm.render(values).pods()} == {"default-scheduler"}


@each_ci
def test_nothing_of_neilats_has_a_cpu_limit(helm: Helm, values: Path) -> None:
    for where, _, container in helm.render(values).containers():
        assert "cpu" not in container.get("resources", {}).get("limits", {}), where


@each_ci
def test_every_container_is_as_strict_as_can_be_but_for_raw_sockets(helm: Helm, values: Path) -> None:
    for where, spec, container in helm.render(values).containers():
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        if "raw" in values.stem and where == PROBER:
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["NET_RAW"]}
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
        else:
            assert container["securityContext"] == STRICT, where
            assert spec["securityContext"]["runAsNonRoot"] is True
            assert spec["securityContext"]["runAsUser"] == 65532


@each_ci
def test_no_pod_gets_a_token_that_it_did_not_ask_for(helm: Helm, values: Path) -> None:
    rendered = helm.render(values)
    assert all(spec["automountServiceAccountToken"] is False for _, spec in rendered.pods())
    accounts = [o for o in rendered.objects if o["kind"] == "ServiceAccount"]
    assert accounts
    assert all(a["automountServiceAccountToken"] is False for a in accounts)


@each_ci
def test_every_mount_has_its_volume_and_every_volume_its_mount(helm: Helm, values: Path) -> None:
    rendered = helm.render(values)
    for where, spec in rendered.pods():
        mounted = {
            m["name"] for w, _, c in rendered.containers() if w.startswith(f"{where}/") for m in c["volumeMounts"]
        }
        assert mounted == {v["name"] for v in spec["volumes"]}, where


@each_ci
def test_the_selectors_find_the_pods_and_services_their_ports(helm: Helm, values: Path) -> None:
    rendered = helm.render(values)
    workloads = [o for o in rendered.objects if o["kind"] in ("Deployment", "DaemonSet")]
    for workload in workloads:
        labels = workload["spec"]["template"]["metadata"]["labels"]
        assert workload["spec"]["selector"]["matchLabels"].items() <= labels.items()
    for service in (o for o in rendered.objects if o["kind"] == "Service"):
        found = [
            w
            for w in workloads
            if service["spec"]["selector"].items() <= w["spec"]["template"]["metadata"]["labels"].items()
        ]
        assert len(found) == 1, service["metadata"]["name"]
        pod = found[0]["spec"]["template"]["spec"]
        ports = {
            p["containerPort"] for c in pod["containers"] + pod.get("initContainers", []) for p in c.get("ports", [])
        }
        assert {p["targetPort"] for p in service["spec"]["ports"]} <= ports


def test_kube_scheduler_starts_after_its_extender_and_ends_before_it(helm: Helm) -> None:
    spec, extender = helm.render().container(BESIDE)
    assert extender in spec["initContainers"]
    assert extender["restartPolicy"] == "Always"
    assert extender["startupProbe"]["httpGet"]["path"] == "/readyz"
    assert extender["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert [c["name"] for c in spec["containers"]] == ["kube-scheduler"]


def test_an_upgrade_takes_no_replica_away_before_another_is_ready(helm: Helm) -> None:
    rendered = helm.render(split=True)
    for name in ("neilats-scheduler", "neilats-extender"):
        strategy = rendered.get("Deployment", name)["spec"]["strategy"]
        assert strategy["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_an_extender_apart_ends_after_nobody_is_sent_to_it_any_more(helm: Helm) -> None:
    spec, extender = helm.render(split=True).container("Deployment/neilats-extender/extender")
    assert extender["lifecycle"]["preStop"] == {"exec": {"command": ["sleep", "5"]}}
    assert spec["terminationGracePeriodSeconds"] == 30


def test_each_of_the_two_programs_in_one_pod_sees_its_own_token_only(helm: Helm) -> None:
    rendered = helm.render()
    spec, extender = rendered.container(BESIDE)
    _, scheduler = rendered.container(KUBE_SCHEDULER)
    volumes = {v["name"]: v for v in spec["volumes"]}
    (of_extender,) = [m["name"] for m in extender["volumeMounts"] if m["mountPath"] == ACCOUNT]
    (of_scheduler,) = [m["name"] for m in scheduler["volumeMounts"] if m["mountPath"] == ACCOUNT]
    assert spec["serviceAccountName"] == "neilats-scheduler"
    assert "serviceAccountToken" in volumes[of_scheduler]["projected"]["sources"][0]
    assert volumes[of_extender]["secret"]["secretName"] == "neilats-extender-token"
    token = rendered.get("Secret", "neilats-extender-token")
    assert token["type"] == "kubernetes.io/service-account-token"
    assert token["metadata"]["annotations"]["kubernetes.io/service-account.name"] == "neilats-extender"
    assert of_extender not in {m["name"] for m in scheduler["volumeMounts"]}
    assert of_scheduler not in {m["name"] for m in extender["volumeMounts"]}


def test_split_there_is_no_token_that_does_not_expire(helm: Helm) -> None:
    rendered = helm.render(split=True)
    assert not rendered.has("Secret", "neilats-extender-token")
    spec, _ = rendered.container("Deployment/neilats-extender/extender")
    assert spec["serviceAccountName"] == "neilats-extender"


def test_a_prober_carries_one_token_for_the_extender_alone_and_the_ca_without_the_key(helm: Helm) -> None:
    spec, prober = helm.render().container(PROBER)
    volumes = {v["name"]: v["projected"]["sources"] for v in spec["volumes"]}
    token = {"path": "token", "audience": "neilats", "expirationSeconds": 3600}
    assert volumes["token"] == [{"serviceAccountToken": token}]
    (secret,) = [s["secret"] for s in volumes["prober-files"] if "secret" in s]
    assert secret["items"] == [{"key": "ca.crt", "path": "ca.crt"}]
    assert ACCOUNT not in {m["mountPath"] for m in prober["volumeMounts"]}


@pytest.mark.parametrize(
    ("mode", "host", "opened"),
    [
        ("auto", False, True),
        ("dgram", False, True),
        ("udp", False, False),
        ("raw", False, False),
        ("auto", True, False),
    ],
)
def test_the_sysctl_is_there_for_unprivileged_ping_between_pods_only(
    helm: Helm, mode: str, host: bool, opened: bool
) -> None:
    spec, _ = helm.render(prober__mode=mode, prober__hostNetwork=host).container(PROBER)
    assert spec["securityContext"].get("sysctls") == (SYSCTL if opened else None)


def test_on_the_hosts_network_services_are_still_found_by_name(helm: Helm) -> None:
    spec, _ = helm.render(prober__hostNetwork=True).container(PROBER)
    assert (spec["hostNetwork"], spec["dnsPolicy"]) == (True, "ClusterFirstWithHostNet")
    spec, _ = helm.render(mode="extender-only").container("DaemonSet/neilats-extender/extender")
    assert (spec["hostNetwork"], spec["dnsPolicy"]) == (True, "ClusterFirstWithHostNet")


def test_a_prober_runs_on_every_node_and_few_restart_at_once(helm: Helm) -> None:
    spec, prober = helm.render().container(PROBER)
    assert spec["tolerations"] == [{"operator": "Exists"}]
    assert prober["resources"]["requests"] == {"cpu": "10m", "memory": "48Mi"}
    update = helm.render().get("DaemonSet", "neilats-prober")["spec"]["updateStrategy"]
    assert update["rollingUpdate"] == {"maxUnavailable": "10%"}


@pytest.mark.parametrize(
    ("cluster", "tag"),
    [
        ("v1.36.3", "v1.36.3"),
        ("v1.36.3-eks-abc1234", "v1.36.3"),
        ("v1.35.12-gke.1234000", "v1.35.12"),
        ("v1.34.0+k3s1", "v1.34.0"),
        ("v1.33.1+rke2r1", "v1.33.1"),
        ("v1.37.0-rc.1", "v1.37.0-rc.1"),
        ("v1.37.0-beta.0.12+0123456789abcd", "v1.37.0-beta.0"),
    ],
)
def test_a_clusters_version_loses_its_vendors_suffix(helm: Helm, tmp_path: Path, cluster: str, tag: str) -> None:
    # Through a chart of its own: `helm template --kube-version` strips suffixes itself, as no real cluster does.
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: versions, version: 0.1.0}")
    names = (CHART / "templates" / "_names.tpl").read_text()
    (tmp_path / "templates" / "_names.tpl").write_text(names)
    (tmp_path / "templates" / "version.yaml").write_text('found: {{ include "neilats.upstreamVersion" .Values.of }}')
    text = run(binary("helm"), "template", tmp_path, "--set-string", f"of={cluster}", home=tmp_path)
    assert yaml.safe_load(text) == {"found": tag}


def test_kube_scheduler_is_the_clusters_version(helm: Helm) -> None:
    helm.kube_version = "v1.35.2"
    _, scheduler = helm.render().container(KUBE_SCHEDULER)
    assert scheduler["image"] == "registry.k8s.io/kube-scheduler:v1.35.2"
    _, scheduler = helm.render(scheduler__image__tag="v1.35.1").container(KUBE_SCHEDULER)
    assert scheduler["image"] == "registry.k8s.io/kube-scheduler:v1.35.1"


@pytest.mark.parametrize(
    ("cluster", "tag", "path"),
    [
        ("v1.36.3", "", "/readyz"),
        ("v1.31.0", "", "/readyz"),
        ("v1.30.14", "", "/healthz"),
        ("v1.36.3", "v1.30.1-vendor.2", "/healthz"),
        ("v1.30.14", "v1.31.0-rc.1", "/readyz"),
        ("v1.30.14", "stable", "/healthz"),
    ],
)
def test_kube_scheduler_is_asked_for_what_its_version_serves(helm: Helm, cluster: str, tag: str, path: str) -> None:
    helm.kube_version = cluster
    _, scheduler = helm.render(scheduler__image__tag=tag).container(KUBE_SCHEDULER)
    assert scheduler["readinessProbe"]["httpGet"]["path"] == path


def test_a_prober_is_not_asked_before_it_can_have_started(helm: Helm) -> None:
    _, prober = helm.render().container(PROBER)
    assert prober["readinessProbe"]["initialDelaySeconds"] == 3
    assert prober["livenessProbe"]["initialDelaySeconds"] == 15


def test_a_cluster_without_native_sidecars_is_refused(helm: Helm) -> None:
    helm.kube_version = "v1.28.9"
    assert "1.29" in helm.refusal()


@pytest.mark.parametrize(
    ("release", "name"),
    [("neilats", "neilats"), ("my-neilats", "my-neilats"), ("near", "near-neilats"), ("r" * 53, "r" * 45)],
)
def test_names_begin_with_the_release_and_fit(helm: Helm, release: str, name: str) -> None:
    rendered = helm.render(release=release)
    assert rendered.has("DaemonSet", f"{name}-prober")
    short = [
        o["metadata"]["name"] for o in rendered.objects if o["kind"] in ("Service", "Deployment", "DaemonSet", "Pod")
    ]
    assert max(len(name) for name in short) <= 63


@pytest.mark.parametrize(("release", "name"), [("n", "007"), ("no", "off"), ("123", "1e3")])
@pytest.mark.parametrize("values", CI, ids=lambda f: f.stem.removesuffix("-values"))
def test_names_that_look_like_numbers_or_booleans_stay_texts(helm: Helm, release: str, name: str, values: Path) -> None:
    helm.apis = OPERATOR
    text = helm.text(values, release=release, namespace="2024", nameOverride=name)
    bare = re.compile(rf"(?:[:\[,] *|- )(?:2024|{release}|{name}|{release}-{name})\s*(?:[,\]}}]|$)", re.MULTILINE)
    assert bare.findall(text) == []


def test_changed_settings_restart_the_pods_and_a_renewed_certificate_does_not(helm: Helm) -> None:
    def annotations(**sets: object) -> list[dict[str, str]]:
        found = helm.render(**sets).objects
        return [o["spec"]["template"]["metadata"]["annotations"] for o in found if "template" in o.get("spec", {})]

    assert annotations() == annotations()  # though every rendering makes another certificate
    before, after = annotations(), annotations(intervalSeconds=5)
    assert all(b != a for b, a in zip(before, after, strict=True))


def test_extender_only_makes_no_scheduler_and_trusts_nobody_on_the_hosts_loopback(helm: Helm) -> None:
    rendered = helm.render(mode="extender-only")
    assert not rendered.has("Deployment")
    spec, _ = rendered.container("DaemonSet/neilats-extender/extender")
    assert spec["nodeSelector"] == {"node-role.kubernetes.io/control-plane": ""}
    settings = rendered.settings("extender")
    assert settings["webhook_listen"] == "127.0.0.1:8888"
    assert (settings["trusted_callers"], settings["trusted_reporters"]) == ([], [])


def test_models_reach_every_replica_at_the_same_place(helm: Helm) -> None:
    for source in ("pvc", "image", "configMap"):
        (values,) = [f for f in CI if f.stem == f"models-{source.lower()}-values"]
        rendered = helm.render(values)
        spec, extender = rendered.container(BESIDE)
        (mount,) = [m for m in extender["volumeMounts"] if m["name"] == "models"]
        assert mount["mountPath"] == rendered.settings("extender")["models_dir"]
        assert mount["readOnly"] is (source != "pvc")
        assert any(v["name"] == "models" for v in spec["volumes"])
