"""Alerts and dashboard: they work, and speak of metrics that exist."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from extender.cluster.static import StaticCluster
from extender.metrics import Metrics as ExtenderMetrics
from extender.probing import Probing
from extender.probing.figures import Figures
from extender.windows import WindowStore
from prober.metrics import Metrics as ProberMetrics
from tests.deploy.chart import CHART, OPERATOR, Helm, run
from tests.deploy.test_workloads import each_ci
from tests.programs import program

ALERTS = CHART / "files" / "alerts.yaml"
DASHBOARD = CHART / "files" / "dashboard.json"
UNIT_TESTS = Path(__file__).with_name("prometheus") / "alerts.yaml"


@pytest.fixture(scope="session")
def promtool() -> str:
    """Prometheus' own tool."""
    return program("promtool", "prometheus")


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return [p for p in found if p["type"] != "row"]


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    yield from (target["expr"] for panel in panels() for target in panel["targets"])


def existing() -> set[str]:
    """The names of all series that the services export."""
    registry = CollectorRegistry()
    extender = ExtenderMetrics(registry, "1")
    extender.count_windows(lambda: [])
    extender.count_probers(lambda: [])
    store = WindowStore(64, 10.0)
    registry.register(Figures(Probing(StaticCluster(()), 10.0, "auto", store), store, lambda: 0.0))
    ProberMetrics(registry)
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "info": ("_info",)}
    return {f.name + s for f in registry.collect() for s in suffixes.get(f.type, ("",))}


@pytest.mark.timeout(300)
def test_every_alert_fires_where_it_should_and_is_quiet_elsewhere(promtool: str) -> None:
    assert "SUCCESS" in run(promtool, "check", "rules", ALERTS)
    assert "SUCCESS" in run(promtool, "test", "rules", UNIT_TESTS)


def test_every_alert_is_tested_both_ways() -> None:
    tests = [t for group in yaml.safe_load(UNIT_TESTS.read_text())["tests"] for t in group["alert_rule_test"]]
    for rule in rules():
        expected = [bool(t["exp_alerts"]) for t in tests if t["alertname"] == rule["alert"]]
        assert set(expected) == {True, False}, rule["alert"]


def test_every_alert_says_what_it_means_and_what_to_do() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert all(rule["annotations"][name] for name in ("summary", "description", "runbook"))


def test_alerts_and_dashboard_ask_for_metrics_that_exist() -> None:
    asked = {name for e in expressions() for name in re.findall(r"\bneilats_\w+", e)}
    assert asked - existing() == set()
    assert {"neilats_placed_pods", "neilats_extender_probe_paths", "neilats_prober_rtt_seconds_bucket"} <= asked


def test_the_dashboards_queries_are_promql(promtool: str, tmp_path: Path) -> None:
    variables = {"$__rate_interval": "5m", "$namespace": ".*"}
    found = [e for p in panels() for t in p["targets"] for e in [t["expr"]]]
    for name, value in variables.items():
        found = [e.replace(name, value) for e in found]
    records = [{"record": f"panel:{i}", "expr": e} for i, e in enumerate(found)]
    file = tmp_path / "dashboard.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": records}]}))
    assert f"{len(found)} rules found" in run(promtool, "check", "rules", file)


def test_the_dashboards_panels_say_what_they_show_and_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not taken & cells, panel["title"]
        taken |= cells
        assert panel["type"] == "row" or panel["description"]


def test_grafana_finds_the_dashboard(helm: Helm) -> None:
    found = helm.render().get("ConfigMap", "neilats-dashboard")
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(found["data"]["neilats.json"]) == json.loads(DASHBOARD.read_text())
    assert not helm.render(metrics__dashboard__enabled=False).has("ConfigMap", "neilats-dashboard")


def test_where_the_operators_api_is_there_it_is_used_in_place_of_annotations(helm: Helm) -> None:
    helm.apis = OPERATOR
    rendered = helm.render()
    assert rendered.get("PrometheusRule", "neilats")["spec"] == yaml.safe_load(ALERTS.read_text())
    for part in ("extender", "prober"):
        monitor = rendered.get("PodMonitor", f"neilats-{part}")["spec"]
        assert monitor["podMetricsEndpoints"][0]["port"] == "metrics"
    assert "prometheus.io/scrape" not in helm.text()


@pytest.mark.parametrize(("apis", "enabled"), [((), "auto"), (OPERATOR, False)])
def test_elsewhere_the_pods_carry_annotations(helm: Helm, apis: tuple[str, ...], enabled: object) -> None:
    helm.apis = apis
    rendered = helm.render(metrics__podMonitor__enabled=enabled)
    assert not rendered.has("PodMonitor")
    for kind, name in (("DaemonSet", "neilats-prober"), ("Deployment", "neilats-scheduler")):
        annotations = rendered.get(kind, name)["spec"]["template"]["metadata"]["annotations"]
        assert annotations["prometheus.io/scrape"] == "true"


@each_ci
def test_what_is_scraped_is_a_port_of_the_pod(helm: Helm, values: Path) -> None:
    rendered = helm.render(values, metrics__podMonitor__enabled=False)
    for o in rendered.objects:
        template = o.get("spec", {}).get("template", {})
        scraped = template.get("metadata", {}).get("annotations", {}).get("prometheus.io/port")
        if scraped:
            containers = template["spec"].get("initContainers", []) + template["spec"]["containers"]
            assert int(scraped) in {p["containerPort"] for c in containers for p in c["ports"]}


def test_protected_metrics_are_scraped_with_a_token_over_tls(helm: Helm) -> None:
    helm.apis = OPERATOR
    sets = {"auth__metrics": "protected", "metrics__podMonitor__tokenSecret": {"name": "prometheus"}}
    (endpoint,) = helm.render(**sets).get("PodMonitor", "neilats-extender")["spec"]["podMetricsEndpoints"]
    assert (endpoint["port"], endpoint["scheme"]) == ("api", "https")
    assert endpoint["authorization"] == {"credentials": {"name": "prometheus", "key": "token"}}
    assert endpoint["tlsConfig"]["ca"] == {"secret": {"name": "neilats-tls", "key": "ca.crt"}}
