"""Helm and kubectl against the API server under test, with stubs of the APIs that the chart may use."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.controlplane.plane import ControlPlane
from tests.deploy.chart import CHART, Helm, binary, run

NAMESPACE = "neilats"
STUBS = {
    "monitoring.coreos.com": ("PodMonitor", "PrometheusRule"),
    "cert-manager.io": ("Issuer", "Certificate"),
}


@dataclass
class Server:
    """The API server, with the namespace and the stubs in it."""

    plane: ControlPlane
    home: Path

    def kubectl(self, *argv: object, stdin: str = "") -> str:
        """What kubectl prints; fails with all it said."""
        return run(binary("kubectl"), "--kubeconfig", self.plane.kubeconfig(), *argv, home=self.home, stdin=stdin)

    def helm(self, *argv: object, **sets: Any) -> str:
        """What Helm prints; the release's namespace is the chart's."""
        where = ("--kubeconfig", self.plane.kubeconfig(), "-n", NAMESPACE)
        return run(binary("helm"), *argv, *where, *Helm(self.home).argv(**sets), home=self.home)

    def install(self, **sets: Any) -> str:
        """Install or upgrade the release; nothing becomes ready without a controller-manager, so nothing waits."""
        return self.helm("upgrade", "--install", "neilats", CHART, **sets)

    def uninstall(self) -> None:
        """Remove the release."""
        self.helm("uninstall", "neilats", "--ignore-not-found")

    def apply(self, manifests: str, *, dry_run: bool = False) -> list[str]:
        """Apply on the server; a name for each object that it took."""
        flags = ("--dry-run=server",) if dry_run else ()
        return self.kubectl("apply", "--server-side", *flags, "-f", "-", "-o", "name", stdin=manifests).splitlines()

    def prepare(self) -> None:
        """Make the namespace and the stubs, and wait until the server serves them."""
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        stubs = [_stub(group, kind) for group, kinds in STUBS.items() for kind in kinds]
        self.apply(yaml.safe_dump_all([namespace, *stubs]))
        self.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        end = time.monotonic() + 30
        while not all(kind in self.kubectl("api-resources") for kinds in STUBS.values() for kind in kinds):
            assert time.monotonic() < end, "the stubs are not served"


def _stub(group: str, kind: str) -> dict[str, Any]:
    """A resource that takes any content."""
    plural = f"{kind.lower()}s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [version],
        },
    }
