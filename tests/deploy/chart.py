"""The chart as Helm renders it, for tests to look into."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.missing import missing

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "neilats"
CI = sorted((CHART / "ci").glob("*-values.yaml"))
KUBE_VERSION = "v1.36.3"
OPERATOR = ("monitoring.coreos.com/v1",)

Json = dict[str, Any]


def binary(name: str) -> str:
    """A program beside the control plane's, or on the path; the test ends without it."""
    beside = Path(os.environ.get("KUBEBUILDER_ASSETS", "")) / name
    found = str(beside) if os.access(beside, os.X_OK) and beside.is_file() else shutil.which(name)
    return found or missing(f"{name} is missing: put it into $KUBEBUILDER_ASSETS or on the path")


def run(*argv: object, home: Path | None = None, stdin: str = "", check: bool = True) -> str:
    """What a program prints; where it fails, with `check`, an error with all it said, else what it said."""
    env = {**os.environ, **({"HOME": str(home)} if home else {})}
    done = subprocess.run([str(a) for a in argv], env=env, input=stdin, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{argv} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout if check else done.stdout + done.stderr


@dataclass
class Rendered:
    """The objects of one rendering."""

    objects: list[Json]

    def get(self, kind: str, name: str) -> Json:
        """The one object of that kind and name."""
        (found,) = [o for o in self.objects if o["kind"] == kind and o["metadata"]["name"] == name]
        return found

    def has(self, kind: str, name: str = "") -> bool:
        """Whether there is such an object."""
        return any(o["kind"] == kind and name in ("", o["metadata"]["name"]) for o in self.objects)

    def pods(self) -> Iterator[tuple[str, Json]]:
        """(kind/name, pod spec) of everything that becomes a pod."""
        for o in self.objects:
            if o["kind"] == "Pod":
                yield f"Pod/{o['metadata']['name']}", o["spec"]
            elif o["kind"] in ("Deployment", "DaemonSet"):
                yield f"{o['kind']}/{o['metadata']['name']}", o["spec"]["template"]["spec"]

    def containers(self) -> Iterator[tuple[str, Json, Json]]:
        """(kind/name/container, pod spec, container)."""
        for where, spec in self.pods():
            for container in [*spec.get("initContainers", []), *spec["containers"]]:
                yield f"{where}/{container['name']}", spec, container

    def container(self, where: str) -> tuple[Json, Json]:
        """The pod spec and the container of that place."""
        (found,) = [(spec, c) for w, spec, c in self.containers() if w == where]
        return found

    def settings(self, part: str, name: str = "neilats") -> Json:
        """The neilats.yaml of `extender` or `prober`."""
        content: Json = yaml.safe_load(self.get("ConfigMap", f"{name}-{part}-config")["data"]["neilats.yaml"])
        return content

    def scheduler_config(self) -> Json:
        """The KubeSchedulerConfiguration."""
        data = self.get("ConfigMap", "neilats-scheduler-config")["data"]
        content: Json = yaml.safe_load(data["config.yaml"])
        return content

    def lay_out(self, where: str, root: Path) -> None:
        """Make the files below `root` that a container finds, as its volumes and mounts say."""
        spec, container = self.container(where)
        volumes = {v["name"]: v for v in spec["volumes"]}
        for mount in container["volumeMounts"]:
            folder = root / mount["mountPath"].lstrip("/")
            folder.mkdir(parents=True, exist_ok=True)
            for path, content in self._files(volumes[mount["name"]]):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(content)

    def _files(self, volume: Json) -> Iterator[tuple[str, bytes]]:
        if "projected" in volume:
            for source in volume["projected"]["sources"]:
                yield from self._source(source)
        else:
            secret = volume.get("secret")
            renamed = {"secret": {**secret, "name": secret["secretName"]}} if secret else volume
            yield from self._source(renamed)

    def _source(self, source: Json) -> Iterator[tuple[str, bytes]]:
        if "serviceAccountToken" in source:
            yield source["serviceAccountToken"]["path"], b"token"
        for kind in ("configMap", "secret"):
            if kind in source:
                data = self._data(kind, source[kind]["name"])
                items = source[kind].get("items") or [{"key": k, "path": k} for k in data]
                yield from ((i["path"], data[i["key"]]) for i in items)

    def _data(self, kind: str, name: str) -> Mapping[str, bytes]:
        """The content of a ConfigMap or Secret; of one that is not the chart's, what it has to hold."""
        wanted = "ConfigMap" if kind == "configMap" else "Secret"
        if not self.has(wanted, name) or "data" not in (found := self.get(wanted, name)):
            return dict.fromkeys(("tls.crt", "tls.key", "ca.crt", "token", "namespace"), b"content")
        if kind == "configMap":
            return {k: v.encode() for k, v in found["data"].items()}
        return {k: base64.b64decode(v) for k, v in found["data"].items()}


_COMBINATIONS: dict[tuple[str, tuple[Path, ...]], list[Json]] = {}


def _combination(kube_version: str, values: tuple[Path, ...], home: Path) -> list[Json]:
    """The objects of values from files, rendered once: most tests look at all of these combinations."""
    key = (kube_version, values)
    if key not in _COMBINATIONS:
        _COMBINATIONS[key] = _objects(Helm(home, kube_version).text(*values))
    return deepcopy(_COMBINATIONS[key])


def _objects(text: str) -> list[Json]:
    return [o for o in yaml.safe_load_all(text) if o]


@dataclass
class Helm:
    """Helm without a cluster, as if one of `kube_version` with these APIs were there."""

    home: Path
    kube_version: str = KUBE_VERSION
    apis: Sequence[str] = field(default=())

    def argv(self, *values: Any, **sets: Any) -> list[object]:
        """The arguments for values from files and of keywords, where `__` stands for a dot."""
        given = [a for file in values for a in ("-f", file)]
        return given + [a for k, v in sets.items() for a in ("--set-json", f"{k.replace('__', '.')}={json.dumps(v)}")]

    def text(
        self, *values: Path, release: str = "neilats", namespace: str = "neilats", check: bool = True, **sets: Any
    ) -> str:
        """The manifests as one text, or with `check=False` also what Helm complains of."""
        versions = [a for api in self.apis for a in ("-a", api)]
        argv = ("template", release, CHART, "-n", namespace, "--kube-version", self.kube_version, *versions)
        return run(binary("helm"), *argv, *self.argv(*values, **sets), home=self.home, check=check)

    def render(self, *values: Path, release: str = "neilats", **sets: Any) -> Rendered:
        """The objects."""
        if values and not sets and not self.apis:
            return Rendered(_combination(self.kube_version, values, self.home))
        return Rendered(_objects(self.text(*values, release=release, **sets)))

    def refusal(self, *values: Path, **sets: Any) -> str:
        """What Helm says of values that it must refuse."""
        text = self.text(*values, check=False, **sets)
        assert text.startswith("Error:"), text[:300]
        return text
