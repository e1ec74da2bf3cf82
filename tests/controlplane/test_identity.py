"""Tokens that the real API server made and judges: whose row they may write, and which calls they may make."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from extender.app import Extender, build
from extender.cluster.kube import KubeApi
from extender.cluster.live import KubeCluster
from neilats.settings import ExtenderSettings
from tests.controlplane.kube import Kube
from tests.controlplane.plane import ADMIN, EXTENDER, ControlPlane
from tests.controlplane.tokens import expired

pytestmark = [pytest.mark.controlplane, pytest.mark.timeout(120)]

RBAC = "/apis/rbac.authorization.k8s.io/v1"
ACCOUNTS = "/api/v1/namespaces/neilats/serviceaccounts"
RULES = [
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list", "watch"]},
    {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]},
    {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
]
VIEWER = [{"nonResourceURLs": ["/v1/*"], "verbs": ["get", "post"]}]
REPORTER = "system:serviceaccount:neilats:prober"
RUN = {"age_ms": 0, "step_ms": 10000, "rtt_ms": [1.0]}


@dataclass
class Clock:
    """The time that passes, and what a test adds to it."""

    ahead_s: float = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


@dataclass
class Guarded:
    """An extender that asks everybody for a token, and how a test calls it."""

    extender: Extender
    client: "TestClient[Any, Any]"
    clock: Clock
    seq: int = 0

    async def report(self, token: str, node: str) -> tuple[int, str]:
        """The status and the error of a report for a node's row."""
        self.seq += 1
        samples = {"node-1" if node == "node-2" else "node-2": RUN}
        body = {"node": node, "boot": "b", "seq": self.seq, "interval_ms": 10000, "samples": samples}
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.client.post("/v1/report", json=body, headers=headers) as reply:
            return reply.status, (await reply.json()).get("error", "")

    async def matrix(self, token: str) -> tuple[int, str]:
        """The status and the error of a question."""
        async with self.client.get("/v1/matrix", headers={"Authorization": f"Bearer {token}"}) as reply:
            return reply.status, (await reply.json()).get("error", "")

    def count(self, metric: str, outcome: str) -> float:
        """A metric's value for an outcome."""
        return self.extender.metrics.registry.get_sample_value(f"{metric}_total", {"outcome": outcome}) or 0.0


async def bind(kube: Kube, name: str, rules: list[Any], user: str) -> None:
    """A ClusterRole with these rules for a user."""
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
    await kube.ask("POST", f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": rules})
    binding = {"metadata": {"name": name}, "roleRef": role, "subjects": [subject]}
    await kube.ask("POST", f"{RBAC}/clusterrolebindings", binding)


async def unbind(kube: Kube, name: str) -> None:
    """Take both away."""
    await kube.ask("DELETE", f"{RBAC}/clusterrolebindings/{name}")
    await kube.ask("DELETE", f"{RBAC}/clusterroles/{name}")


async def token(kube: Kube, account: str, *, pod: str = "", audience: str = "neilats") -> str:
    """A token of a service account as a kubelet asks for it."""
    spec: dict[str, Any] = {"audiences": [audience], "expirationSeconds": 600}
    if pod:
        spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", "name": pod}
    made: str = (await kube.ask("POST", f"{ACCOUNTS}/{account}/token", {"spec": spec}))["status"]["token"]
    return made


async def until(true: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


@pytest.fixture
async def guarded(plane: ControlPlane, kube: Kube, aiohttp_client: Any) -> AsyncIterator[Guarded]:
    """Probers on two nodes, an account that reports nothing, and an extender without more rights than it needs."""
    await kube.namespace("neilats")
    await kube.nodes(["node-1", "node-2"])
    for account in ("prober", "web"):
        await kube.ask("POST", ACCOUNTS, {"metadata": {"name": account}})
    for name, node, account in (
        ("prober-1", "node-1", "prober"),
        ("prober-2", "node-2", "prober"),
        ("web", "node-2", "web"),
    ):
        await kube.pod(name, namespace="neilats", node=node, serviceAccountName=account)
    await bind(kube, "extender-access", RULES, "extender")
    cluster = KubeCluster(await KubeApi.open(str(plane.kubeconfig(EXTENDER))))
    settings = ExtenderSettings(
        forecaster="median", report_auth="token", reporters=(REPORTER,), api_auth="required", trusted_callers=()
    )
    clock = Clock()
    extender = build(settings, cluster, clock)
    await cluster.start()
    await until(lambda: len(cluster.nodes) == 2)
    yield Guarded(extender, await aiohttp_client(extender.apps.api), clock)
    extender.worker.close()
    await cluster.close()
    await unbind(kube, "extender-access")
    for account in ("prober", "web"):
        await kube.ask("DELETE", f"{ACCOUNTS}/{account}")


async def test_a_probers_token_writes_the_row_of_its_node_and_no_other(kube: Kube, guarded: Guarded) -> None:
    mine = await token(kube, "prober", pod="prober-1")
    assert await guarded.report(mine, "node-1") == (200, "")
    status, error = await guarded.report(mine, "node-2")
    assert status == 403
    assert "on node node-1 and may not write the row of node node-2" in error
    assert guarded.count("neilats_extender_reports", "refused") == 1
    assert guarded.count("neilats_extender_token_reviews", "authenticated") == 1  # the second came from memory


async def test_forged_reports_are_unauthenticated(plane: ControlPlane, kube: Kube, guarded: Guarded) -> None:
    mine = await token(kube, "prober", pod="prober-1")
    head, payload, signature = mine.split(".")
    forged = {
        "none": "",
        "wrong audience": await token(kube, "prober", pod="prober-1", audience="vault"),
        "garbage": "garbage",
        "a static token of an administrator": ADMIN,
        "expired": expired(mine, plane.signing_key),
        "another signature": f"{head}.{payload}.{signature[::-1]}",
    }
    assert {what: (await guarded.report(it, "node-1"))[0] for what, it in forged.items()} == dict.fromkeys(forged, 401)
    assert guarded.count("neilats_extender_reports", "unauthenticated") == len(forged)
    assert guarded.extender.ingest.sources == {}
    assert "expired" in (await guarded.report(forged["expired"], "node-1"))[1]


async def test_a_token_dies_with_its_pod(kube: Kube, guarded: Guarded) -> None:
    mine = await token(kube, "prober", pod="prober-1")
    await kube.delete_pod("prober-1", "neilats")
    async with asyncio.timeout(20):
        while (answer := await guarded.report(mine, "node-1"))[0] == 200:  # the API server remembers pods for a while
            guarded.clock.ahead_s += 301  # and the extender tokens
            await asyncio.sleep(0.2)
    assert answer[0] == 401
    assert "the API server rejects the token" in answer[1]


async def test_other_accounts_and_tokens_of_no_pod_may_not_report(kube: Kube, guarded: Guarded) -> None:
    status, error = await guarded.report(await token(kube, "web", pod="web"), "node-2")
    assert (status, "web may not report" in error) == (403, True)
    status, error = await guarded.report(await token(kube, "prober"), "node-2")
    assert (status, "bound to no pod" in error) == (403, True)


async def test_questions_need_a_right_that_rbac_gives(kube: Kube, guarded: Guarded) -> None:
    mine = await token(kube, "web")
    status, error = await guarded.matrix(mine)
    assert (status, "nonResourceURLs: ['/v1/matrix'] and verbs: [get]" in error) == (403, True)
    await bind(kube, "viewer", VIEWER, "system:serviceaccount:neilats:web")
    try:
        async with asyncio.timeout(20):
            while (await guarded.matrix(mine))[0] != 200:  # the API server's own watch of roles
                guarded.clock.ahead_s += 11
                await asyncio.sleep(0.2)
    finally:
        await unbind(kube, "viewer")
    assert guarded.count("neilats_extender_access_reviews", "denied") >= 1
    assert guarded.count("neilats_extender_access_reviews", "allowed") == 1
    assert (await guarded.matrix("garbage"))[0] == 401


async def test_an_extender_without_the_right_to_review_says_so_and_accepts_nobody(
    kube: Kube, guarded: Guarded, caplog: pytest.LogCaptureFixture
) -> None:
    await kube.ask(
        "PATCH", f"{RBAC}/clusterroles/extender-access", {"rules": RULES[:1]}, "application/merge-patch+json"
    )
    status, began = 0, time.monotonic()
    while status != 503:  # the API server's own watch of roles
        assert time.monotonic() - began < 20
        status, _ = await guarded.report(await token(kube, "prober", pod="prober-1"), "node-1")
    reasons = [str(getattr(record, "why", "")) for record in caplog.records]
    assert any("cannot create resource" in why and "tokenreviews" in why for why in reasons)
    assert guarded.count("neilats_extender_token_reviews", "failed") == 1
