"""The settings that the chart writes are settings that neilats takes, and its files are where they say."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from extender.probing import Limits
from extender.service import PARSERS
from neilats.settings import ExtenderSettings, ProberSettings, Settings, SettingsError, load_settings
from tests.deploy.chart import CI, Helm, Rendered
from tests.deploy.test_workloads import BESIDE, PROBER, each_ci

EXTENDERS = ("Deployment/{}-scheduler/extender", "Deployment/{}-extender/extender", "DaemonSet/{}-extender/extender")


def loaded(rendered: Rendered, where: str, root: Path, kind: type[Settings]) -> Any:
    """The settings as the container reads them, with its files below `root`."""
    rendered.lay_out(where, root)
    _, container = rendered.container(where)
    (config,) = [a.removeprefix("--config=") for a in container["args"] if a.startswith("--config=")]
    content: dict[str, Any] = yaml.safe_load((root / config.lstrip("/")).read_text())
    moved = {k: f"{root}{v}" if k.endswith(("_file", "_cert", "_key", "_ca")) else v for k, v in content.items()}
    (root / "moved.yaml").write_text(yaml.safe_dump(moved))
    env = {e["name"]: e.get("value", "node-1") for e in container["env"]}
    flags = dict(a.split("=", 1) for a in container["args"] if "=" in a and not a.startswith("-"))
    return load_settings(
        kind, file=root / "moved.yaml", env=env, flags=flags, parsers=PARSERS if kind is ExtenderSettings else None
    )


def extender_of(rendered: Rendered, name: str = "neilats") -> str:
    (where,) = {w for w, _, _ in rendered.containers()} & {e.format(name) for e in EXTENDERS}
    return where


def name_of(values: Path) -> str:
    return (yaml.safe_load(values.read_text()) or {}).get("fullnameOverride", "neilats")


@each_ci
def test_the_extender_takes_its_settings(helm: Helm, values: Path, tmp_path: Path) -> None:
    rendered = helm.render(values)
    settings = loaded(rendered, extender_of(rendered, name_of(values)), tmp_path, ExtenderSettings)
    assert settings.report_auth == "token"
    assert settings.api_auth == "required"
    assert settings.tls_cert
    (service,) = [o for o in rendered.objects if o["kind"] == "Service" and o["metadata"]["name"].endswith("-api")]
    assert settings.listen == f":{service['spec']['ports'][0]['port']}"


@each_ci
def test_the_prober_takes_its_settings_and_finds_its_extender(helm: Helm, values: Path, tmp_path: Path) -> None:
    rendered, name = helm.render(values), name_of(values)
    settings = loaded(rendered, f"DaemonSet/{name}-prober/prober", tmp_path, ProberSettings)
    service = rendered.get("Service", f"{name}-extender")["spec"]
    assert service["clusterIP"] == "None"
    assert service["publishNotReadyAddresses"] is True
    assert settings.extender_urls == (f"https://{name}-extender.neilats.svc:{service['ports'][0]['port']}",)
    assert settings.node_name == "node-1"
    assert settings.token_file
    assert settings.ca_file


@each_ci
def test_the_tokens_that_the_extender_takes_are_the_probers(helm: Helm, values: Path) -> None:
    rendered, name = helm.render(values), name_of(values)
    spec, _ = rendered.container(f"DaemonSet/{name}-prober/prober")
    settings = rendered.settings("extender", name)
    assert settings["reporters"] == [f"system:serviceaccount:neilats:{spec['serviceAccountName']}"]
    (token,) = [v for v in spec["volumes"] if v["name"] == "token"]
    assert settings["audiences"] == [token["projected"]["sources"][0]["serviceAccountToken"]["audience"]]


def test_settings_of_the_values_win(helm: Helm, tmp_path: Path) -> None:
    (values,) = [f for f in CI if f.stem == "everything-values"]
    settings = loaded(helm.render(values), "Deployment/near-scheduler/extender", tmp_path, ExtenderSettings)
    assert (settings.profile, settings.decisions_kept, settings.interval_s) == ("attainment", 1_000_000, 5)
    assert settings.window_slots == 128
    assert (settings.mesh_nodes, settings.probe_budget, settings.probe_neighbours, settings.hot_for_s) == (
        32,
        100,
        24,
        600,
    )


def test_the_charts_bounds_of_measuring_are_those_of_the_extender(helm: Helm, tmp_path: Path) -> None:
    settings, usual = loaded(helm.render(), BESIDE, tmp_path, ExtenderSettings), ExtenderSettings()
    assert Limits.of(settings) == Limits.of(usual)


def test_the_extender_misses_no_report_of_nodes_that_the_prober_leaves_out(helm: Helm, tmp_path: Path) -> None:
    nodes = {"kubernetes.io/os": "linux", "tier": "edge"}
    settings = loaded(helm.render(prober__nodeSelector=nodes), BESIDE, tmp_path, ExtenderSettings)
    assert settings.prober_nodes == "kubernetes.io/os=linux,tier=edge"


@pytest.mark.parametrize(
    "emptied",
    ["extender.settings", "prober.settings", "scheduler.config", "scheduler.profile", "admission.excludedNamespaces"],
)
def test_a_map_or_list_may_be_emptied_with_null(helm: Helm, emptied: str) -> None:
    rendered = helm.render(**{emptied: None}, admission__enabled=True)
    assert rendered.settings("extender")["listen"] == ":8080"
    assert rendered.scheduler_config()["profiles"][0]["schedulerName"] == "neilats-scheduler"


def test_an_interval_may_be_a_text_as_set_gives_it(helm: Helm, tmp_path: Path) -> None:
    assert loaded(helm.render(intervalSeconds="0.5"), BESIDE, tmp_path, ExtenderSettings).interval_s == 0.5


def test_a_misspelt_setting_is_refused_by_the_service_itself(helm: Helm, tmp_path: Path) -> None:
    rendered = helm.render(extender__settings={"window_slot": 64})
    with pytest.raises(SettingsError, match="did you mean window_slots"):
        loaded(rendered, BESIDE, tmp_path, ExtenderSettings)
    rendered = helm.render(prober__settings={"timeout_ms": 64})
    with pytest.raises(SettingsError, match="timeout_ms"):
        loaded(rendered, PROBER, tmp_path, ProberSettings)


@pytest.mark.parametrize(
    ("metrics", "health", "plain", "opened"),
    [
        ("open", "open", True, ["health"]),
        ("open", "protected", False, ["metrics"]),
        ("protected", "open", False, ["health"]),
        ("protected", "protected", False, []),
    ],
)
def test_what_is_protected_is_on_no_open_port(
    helm: Helm, metrics: str, health: str, plain: bool, opened: list[str]
) -> None:
    rendered = helm.render(auth__metrics=metrics, auth__health=health)
    settings = rendered.settings("extender")
    assert ("metrics_listen" in settings, settings["open_paths"]) == (plain, opened)
    pod = rendered.get("Deployment", "neilats-scheduler")["spec"]["template"]
    port, scheme = ("9426", "http") if plain else ("8080", "https")
    assert pod["metadata"]["annotations"]["prometheus.io/port"] == port
    assert pod["metadata"]["annotations"]["prometheus.io/scheme"] == scheme
    _, extender = rendered.container(BESIDE)
    assert ("exec" in extender["readinessProbe"]) is (health == "protected")


def test_health_that_nobody_could_ask_is_refused_with_the_remedy(helm: Helm) -> None:
    assert "set auth.health to open" in helm.refusal(mode="extender-only", auth__health="protected")


def test_the_old_plugins_port_on_the_hosts_network_is_refused_with_the_remedy(helm: Helm) -> None:
    said = helm.refusal(mode="extender-only", plugin__legacyHttp__enabled=True)
    assert "set plugin.legacyHttp.enabled to false" in said


def test_split_the_webhooks_are_on_tls_with_a_client_certificate(helm: Helm, tmp_path: Path) -> None:
    rendered = helm.render(split=True)
    settings = loaded(rendered, "Deployment/neilats-extender/extender", tmp_path, ExtenderSettings)
    assert settings.webhook_listen == ":8443"
    assert Path(settings.webhook_client_ca).read_text().startswith("-----BEGIN CERTIFICATE")
    (entry,) = rendered.scheduler_config()["extenders"]
    assert entry["urlPrefix"] == "https://neilats-webhooks.neilats.svc:8443/scheduler"
    assert entry["enableHTTPS"] is True
    rendered.lay_out("Deployment/neilats-scheduler/kube-scheduler", tmp_path)
    for file in entry["tlsConfig"].values():
        assert (tmp_path / file.lstrip("/")).exists()


def test_client_certificates_of_a_given_ca_may_call(helm: Helm, tmp_path: Path) -> None:
    where = "Deployment/neilats-scheduler/extender"
    assert loaded(helm.render(), where, tmp_path / "without", ExtenderSettings).client_ca == ""
    settings = loaded(helm.render(auth__clientCaSecret="callers"), where, tmp_path, ExtenderSettings)
    assert Path(settings.client_ca).read_bytes() == b"content"


def test_kube_scheduler_asks_the_extender_beside_it(helm: Helm) -> None:
    config = helm.render().scheduler_config()
    (entry,) = config["extenders"]
    assert entry == {
        "urlPrefix": "http://127.0.0.1:8888/scheduler",
        "filterVerb": "filter",
        "prioritizeVerb": "prioritize",
        "preemptVerb": "preempt",
        "weight": 100,
        "httpTimeout": "1s",
        "nodeCacheCapable": True,
        "ignorable": True,
    }
    assert config["profiles"] == [{"schedulerName": "neilats-scheduler", "percentageOfNodesToScore": 100}]
    assert config["leaderElection"]["resourceName"] == "neilats-scheduler"
    assert config["leaderElection"]["resourceNamespace"] == "neilats"


def test_a_verb_that_is_left_out_is_known_to_the_extender_too(helm: Helm) -> None:
    rendered = helm.render(scheduler__verbs=["prioritize"])
    (entry,) = rendered.scheduler_config()["extenders"]
    assert {k for k in entry if k.endswith("Verb")} == {"prioritizeVerb"}
    assert rendered.settings("extender")["webhook_verbs"] == ["prioritize"]


def test_the_old_plugins_port_is_closed_unless_asked_for(helm: Helm) -> None:
    rendered = helm.render()
    assert "legacy_listen" not in rendered.settings("extender")
    assert not rendered.has("Service", "neilats-legacy")
    rendered = helm.render(plugin__legacyHttp__enabled=True)
    assert rendered.settings("extender")["legacy_listen"] == ":8090"
    assert rendered.get("Service", "neilats-legacy")["spec"]["type"] == "NodePort"
    assert rendered.has("NetworkPolicy", "neilats-legacy")
