"""`neilats selftest`: a pod that is really placed by neilats passes, and what is wrong otherwise is said."""

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

import pytest

from extender.cluster.api import ApiError
from neilats.cli import main
from neilats.selftest import NEUTRAL, Plan, SelfTestError, run_selftest

PODS = "/api/v1/namespaces/neilats/pods"
DAEMON_SET = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "neilats-prober", "uid": "u1"}
WHY = "on node-2: 0.31 ms to node-1, score 10 of 10"
PLAN = Plan("neilats", "neilats-scheduler", "localhost/neilats:1", own_pod="neilats-selftest", timeout_s=20)

Json = dict[str, Any]


def prober(node: str, ready: str = "True") -> Json:
    return {
        "metadata": {"name": f"prober-{node}"},
        "spec": {"nodeName": node},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


class Cluster:
    """An API server whose scheduler binds after a few looks, and whose neilats says what is in `reasons` in turn."""

    def __init__(self, *probers: Json, node: str = "node-2", reasons: tuple[str, ...] = (WHY,)) -> None:
        self.probers, self.node, self.reasons = list(probers), node, list(reasons)
        self.failed = ""
        self.made: list[Json] = []
        self.deleted: list[str] = []
        self.patched: list[tuple[str, Mapping[str, Any]]] = []
        self.now = 0.0

    async def get(self, path: str, params: Mapping[str, str]) -> bytes:
        if path == "/apis/apps/v1/namespaces/neilats/daemonsets":
            assert params == {"labelSelector": "app.kubernetes.io/component=prober"}
            return json.dumps({"items": [{"metadata": {"name": "neilats-prober", "uid": "u1"}}]}).encode()
        if path == PODS:
            assert params == {"labelSelector": "app.kubernetes.io/component=prober"}
            return json.dumps({"items": self.probers}).encode()
        if path.endswith("/events"):
            assert params == {"fieldSelector": f"involvedObject.uid=uid-{len(self.made)}"}
            return json.dumps({"items": self._events()}).encode()
        assert path == f"{PODS}/trial-{len(self.made)}"
        return json.dumps({"spec": {"nodeName": self.node} if self.node and self.now % 5 >= 1 else {}}).encode()

    def _events(self) -> list[Json]:
        scheduled = [{"reason": "FailedScheduling", "message": self.failed}] if self.failed else []
        if len(self.made) > len(self.reasons):
            return scheduled
        return [*scheduled, {"reason": "LatencyPlacement", "message": self.reasons[len(self.made) - 1]}]

    async def lines(
        self, path: str, params: Mapping[str, str], silence_s: float, opened: Callable[[], None]
    ) -> AsyncGenerator[bytes, None]:
        raise NotImplementedError
        yield b""

    async def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        assert path == PODS
        self.made.append(dict(body))
        number = len(self.made)
        return json.dumps({"metadata": {"name": f"trial-{number}", "uid": f"uid-{number}"}}).encode()

    async def put(self, path: str, body: Mapping[str, Any]) -> bytes:
        raise NotImplementedError

    async def patch(self, path: str, body: Mapping[str, Any]) -> None:
        self.patched.append((path, body))

    async def delete(self, path: str, params: Mapping[str, str]) -> None:
        self.deleted.append(path)

    async def close(self) -> None:
        pass

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    async def test(self, plan: Plan = PLAN) -> list[str]:
        """What the test says."""
        said: list[str] = []
        await run_selftest(self, plan, said.append, clock=lambda: self.now, sleep=self.sleep)
        return said


async def test_a_pod_is_placed_and_the_reason_told_and_the_pod_deleted() -> None:
    cluster = Cluster(prober("node-1"))
    assert await cluster.test() == ["trial-1: to be near node-1, by neilats-scheduler", f"trial-1: {WHY}"]
    (pod,) = cluster.made
    assert pod["spec"]["schedulerName"] == "neilats-scheduler"
    assert pod["metadata"]["annotations"] == {"neilats.io/peer-nodes": "node-1"}
    assert cluster.deleted == [f"{PODS}/trial-1"]


async def test_both_pods_go_with_the_probers_daemon_set() -> None:
    cluster = Cluster(prober("node-1"))
    await cluster.test()
    assert cluster.made[0]["metadata"]["ownerReferences"] == [DAEMON_SET]
    assert cluster.patched == [(f"{PODS}/neilats-selftest", {"metadata": {"ownerReferences": [DAEMON_SET]}})]


async def test_outside_a_pod_nothing_is_patched() -> None:
    cluster = Cluster(prober("node-1"))
    await cluster.test(Plan("neilats", "neilats-scheduler", "i"))
    assert cluster.patched == []


async def test_a_prober_that_is_not_ready_is_no_neighbour() -> None:
    cluster = Cluster(prober("node-1", ready="False"), prober("node-2"))
    await cluster.test()
    assert cluster.made[0]["metadata"]["annotations"] == {"neilats.io/peer-nodes": "node-2"}


async def test_without_a_ready_prober_nothing_is_made() -> None:
    cluster = Cluster(prober("node-1", ready="False"))
    with pytest.raises(SelfTestError, match="no prober is ready in namespace neilats"):
        await cluster.test()
    assert cluster.made == []
    assert cluster.patched  # so that this pod goes by an uninstall all the same


async def test_it_tries_again_while_little_is_measured() -> None:
    cluster = Cluster(prober("node-1"), reasons=(f"on node-3: {NEUTRAL}: no path was measured", WHY))
    said = await cluster.test()
    assert said[-1] == f"trial-2: {WHY}"
    assert cluster.deleted == [f"{PODS}/trial-1", f"{PODS}/trial-2"]


async def test_a_pod_that_is_never_placed_by_what_is_measured_is_a_failure() -> None:
    cluster = Cluster(prober("node-1"), reasons=(f"on node-3: {NEUTRAL}: no data",) * 9)
    with pytest.raises(SelfTestError, match="not by what is measured: on node-3: latency did not count: no data"):
        await cluster.test()
    assert len(cluster.deleted) == len(cluster.made) > 1


async def test_a_pod_that_is_not_bound_is_told_with_its_events_and_deleted() -> None:
    cluster = Cluster(prober("node-1"), node="", reasons=())
    cluster.failed = "0/4 nodes are available"
    with pytest.raises(SelfTestError, match="not placed within 20 s: FailedScheduling: 0/4 nodes are available"):
        await cluster.test()
    assert cluster.deleted == [f"{PODS}/trial-1"]


async def test_a_pod_that_nobody_looked_at_names_the_scheduler() -> None:
    cluster = Cluster(prober("node-1"), node="", reasons=())
    with pytest.raises(SelfTestError, match="nobody tried: no scheduler calls itself neilats-scheduler"):
        await cluster.test()


async def test_a_bound_pod_of_which_neilats_says_nothing_was_placed_without_it() -> None:
    cluster = Cluster(prober("node-1"), reasons=())
    with pytest.raises(SelfTestError, match="on node-2, but there is no event LatencyPlacement"):
        await cluster.test()
    assert cluster.deleted == [f"{PODS}/trial-1"]


async def test_the_pod_is_deleted_also_where_the_server_fails() -> None:
    class Failing(Cluster):
        def _events(self) -> list[Json]:
            raise ApiError.of_status(500, "etcd")

    cluster = Failing(prober("node-1"))
    with pytest.raises(ApiError, match="500 etcd"):
        await cluster.test()
    assert cluster.deleted == [f"{PODS}/trial-1"]


def test_the_command_says_where_it_cannot_reach_a_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest", "--namespace", "neilats", "--image", "i"]) == 1
    assert "outside a pod set kubeconfig" in capsys.readouterr().err
