"""A second release comes and goes and leaves nothing behind, and does not disturb the first."""

import json

import pytest

from tests.e2e.chart.release import Release, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

LOOSE = ("events", "endpoints", "endpointslices", "leases", "pods")
"""Kinds that come and go with what others do; leases are looked at by name."""


def everything(release: Release) -> set[str]:
    """All objects of the cluster, of every kind, as kind/namespace/name."""
    kinds = release.kubectl("api-resources", "--verbs=list", "-o", "name").split()
    looked_at = [k for k in kinds if k.split(".")[0] not in LOOSE]
    listed = release.run("kubectl", "get", ",".join(looked_at), "--all-namespaces", "-o", "json")
    return {_name(o) for o in json.loads(listed)["items"]}


def _name(obj: dict[str, object]) -> str:
    meta = obj["metadata"]
    assert isinstance(meta, dict)
    return f"{obj['kind']}/{meta.get('namespace', '')}/{meta['name']}"


async def test_nothing_is_left_after_uninstall(release: Release) -> None:
    other = Release(release.cluster, name="second", namespace="second")
    release.run("kubectl", "create", "namespace", "second")
    before = everything(release)
    other.install("--set", "scheduler.name=second-scheduler", "--set", "admission.enabled=true")
    assert len(everything(release) - before) > 15
    other.helm("uninstall", "--wait", "--timeout", "120s")
    assert everything(release) - before == set()
    await eventually("the end of its pods", lambda: other.kubectl("get", "leases,pods", "-o", "name") == "")
    release.run("kubectl", "delete", "namespace", "second", "--wait=true")
