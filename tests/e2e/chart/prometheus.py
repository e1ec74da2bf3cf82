"""A real Prometheus that scrapes by the chart's pod annotations and evaluates the chart's rules, in a hurry.

Debian's Prometheus is built without the discovery of Kubernetes, so the pods come from a file with the labels that this
discovery gives them; what is done with these labels is as in Prometheus' own example configuration.
"""

import json
import re
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.controlplane.plane import Process, free_port, wait_for
from tests.e2e.chart.release import CHART, eventually
from tests.e2e.live import LiveCluster
from tests.programs import program

TARGETS = "pods.json"
RULES = CHART / "files" / "alerts.yaml"


class Prometheus:
    """A running server."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str, **query: str) -> Any:
        """The data of an API call."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=10) as reply:
            return json.load(reply)["data"]

    def up(self) -> dict[str, bool]:
        """Whether each annotated pod was scraped, by pod."""
        targets = self.get("targets", state="active")["activeTargets"]
        return {t["labels"]["pod"]: t["health"] == "up" for t in targets}

    def firing(self) -> set[str]:
        """The names of the alerts that fire."""
        return {a["labels"]["alertname"] for a in self.get("alerts")["alerts"] if a["state"] == "firing"}

    def value(self, query: str) -> float | None:
        """An instant query's one value."""
        found = self.get("query", query=query)["result"]
        return float(found[0]["value"][1]) if found else None


@contextmanager
def prometheus(cluster: LiveCluster, folder: Path) -> Iterator[Prometheus]:
    """Scrapes all annotated pods every two seconds; the rules' `for` is five seconds."""
    path, port = program("prometheus", "prometheus"), free_port()
    (folder / TARGETS).write_text(json.dumps(discovered(cluster)))
    (folder / "alerts.yaml").write_text(re.sub(r"\bfor: \w+", "for: 5s", RULES.read_text()))
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(_config(folder)))
    argv = (f"--config.file={folder / 'prometheus.yaml'}", f"--storage.tsdb.path={folder / 'data'}")
    process = Process(folder / "prometheus.log", path, *argv, f"--web.listen-address=127.0.0.1:{port}")
    server = Prometheus(port)
    try:
        wait_for("prometheus", lambda: process.running() and _answers(server), f"see {process.log}")
        yield server
    finally:
        process.stop()


def discovered(cluster: LiveCluster) -> list[dict[str, Any]]:
    """Every pod's ports, as the discovery of Kubernetes with `role: pod` labels them."""
    return [group for pod in _pods(cluster) for group in _ports(pod)]


def _pods(cluster: LiveCluster) -> list[dict[str, Any]]:
    command = [str(cluster.binaries / "kubectl"), "--kubeconfig", str(cluster.kubeconfig())]
    done = subprocess.run([*command, "get", "pods", "-A", "-o", "json"], capture_output=True, check=True)
    return [p for p in json.loads(done.stdout)["items"] if p["status"].get("podIP")]


def _ports(pod: dict[str, Any]) -> Iterator[dict[str, Any]]:
    meta, spec = pod["metadata"], pod["spec"]
    labels = {"namespace": meta["namespace"], "pod_name": meta["name"], "pod_node_name": spec.get("nodeName", "")}
    for name, value in meta.get("annotations", {}).items():
        labels["pod_annotation_" + re.sub(r"[^a-zA-Z0-9_]", "_", name)] = value
    named = {f"__meta_kubernetes_{k}": v for k, v in labels.items()}
    for container in [*spec.get("initContainers", ()), *spec["containers"]]:
        for port in container.get("ports", ()):
            yield {"targets": [f"{pod['status']['podIP']}:{port['containerPort']}"], "labels": named}


def _answers(server: Prometheus) -> bool:
    try:
        return bool(server.get("status/buildinfo"))
    except OSError:
        return False


def _config(folder: Path) -> dict[str, Any]:
    """The pod discovery by annotations that Prometheus' own example configuration and its chart use."""

    def annotated(name: str) -> list[str]:
        return [f"__meta_kubernetes_pod_annotation_prometheus_io_{name}"]

    address = ["__address__", *annotated("port")]
    relabel = [
        {"source_labels": annotated("scrape"), "action": "keep", "regex": "true"},
        {"source_labels": annotated("scheme"), "action": "replace", "regex": "(https?)", "target_label": "__scheme__"},
        {"source_labels": annotated("path"), "action": "replace", "regex": "(.+)", "target_label": "__metrics_path__"},
        {"source_labels": address, "regex": r"([^:]+)(?::\d+)?;(\d+)", "replacement": "$1:$2",
         "action": "replace", "target_label": "__address__"},
        {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
        {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
        {"source_labels": ["__meta_kubernetes_pod_node_name"], "target_label": "node"},
    ]  # fmt: skip
    return {
        "global": {"scrape_interval": "2s", "evaluation_interval": "2s"},
        "rule_files": [str(folder / "alerts.yaml")],
        "scrape_configs": [
            {
                "job_name": "kubernetes-pods",
                "file_sd_configs": [{"files": [str(folder / TARGETS)]}],
                "relabel_configs": relabel,
            }
        ],
    }


async def fires(server: Prometheus, alert: str, timeout_s: float = 120) -> None:
    """Wait until an alert fires."""
    await eventually(alert, lambda: alert in server.firing(), timeout_s)
