"""Reports and questions without the right proof are refused and counted, and no pod reaches a webhook."""

import asyncio
import base64
import json
import ssl
from typing import Any

import aiohttp
import pytest

from tests.controlplane.kube import Kube
from tests.controlplane.tokens import expired
from tests.e2e.chart.release import Release

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(200)]

REPORT = {
    "node": "node-3", "boot": "forged", "seq": 1, "interval_ms": 10_000,
    "samples": {"node-1": {"age_ms": 1, "step_ms": 10_000, "rtt_ms": [0.01] * 20}},
}  # fmt: skip


class Door:
    """The extender's cluster listener, by its pod's address, with its certificate verified."""

    def __init__(self, release: Release) -> None:
        self._release = release
        pod = json.loads(release.kubectl("get", "pod", release.extender(), "-o", "json"))
        self.url = f"https://{pod['status']['podIP']}:8080"
        secret = json.loads(release.kubectl("get", "secret", "neilats-tls", "-o", "json"))
        ca = base64.b64decode(secret["data"]["ca.crt"]).decode()
        self._trust = ssl.create_default_context(cadata=ca)

    async def call(self, method: str, path: str, token: str = "", body: Any = None) -> int:
        """The status of a call."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                method, self.url + path, json=body, headers=headers, ssl=self._trust, server_hostname="localhost"
            ) as reply,
        ):
            return reply.status

    async def report(self, token: str = "") -> int:
        """The status of a forged report of node-3."""
        return await self.call("POST", "/v1/report", token, REPORT)

    def refused(self) -> dict[str, float]:
        """How many reports were refused so far, by the metric."""
        return {o: self._release.extender_metric("neilats_extender_reports_total", outcome=o)
                for o in ("unauthenticated", "refused")}  # fmt: skip


@pytest.fixture
def door(release: Release) -> Door:
    return Door(release)


def prober_token(release: Release, node: str, audience: str = "neilats") -> str:
    """A token as the prober on this node has one, bound to its pod."""
    pod = release.prober_on(node)["metadata"]["name"]
    bound = ("--bound-object-kind", "Pod", "--bound-object-name", pod)
    return release.kubectl("create", "token", "neilats-prober", "--audience", audience, *bound).strip()


async def test_forged_reports_are_refused_and_counted(release: Release, door: Door) -> None:
    before = door.refused()
    old = expired(prober_token(release, "node-3"), release.cluster.signing_key)
    assert await door.report() == 401
    assert await door.report("nonsense") == 401
    assert await door.report(old) == 401
    assert await door.report(prober_token(release, "node-3", audience="https://kubernetes.default.svc")) == 401
    assert await door.report(prober_token(release, "node-2")) == 403
    other = release.kubectl("create", "token", "neilats-extender", "--audience", "neilats").strip()
    assert await door.report(other) == 403
    after = door.refused()
    assert {k: after[k] - before[k] for k in after} == {"unauthenticated": 4, "refused": 2}
    mine = prober_token(release, "node-3")
    assert await door.call("POST", "/v1/report", mine, REPORT | {"seq": "no number"}) == 400


async def test_questions_need_a_token_that_is_allowed_to_ask(release: Release, door: Door, kube: Kube) -> None:
    assert await door.call("GET", "/v1/matrix") == 401
    assert await door.call("POST", "/predict/node-12node-2", body={}) == 401
    release.kubectl("create", "serviceaccount", "asker")
    try:
        token = release.kubectl("create", "token", "asker", "--audience", "neilats").strip()
        assert await door.call("GET", "/v1/matrix", token) == 403
        binding = ("clusterrolebinding", "neilats-asker", "--clusterrole=neilats-viewer")
        release.kubectl("create", *binding, f"--serviceaccount={release.namespace}:asker")
        await _allowed(door, token)
    finally:
        release.kubectl("delete", "clusterrolebinding", "neilats-asker", "--ignore-not-found")
        release.kubectl("delete", "serviceaccount", "asker", "--ignore-not-found")


async def _allowed(door: Door, token: str) -> None:
    """A denial is remembered for seconds."""
    for _ in range(20):
        if await door.call("GET", "/v1/matrix", token) == 200:
            return
        await asyncio.sleep(1)
    raise AssertionError("a viewer's token was never accepted")


def test_no_pod_reaches_a_webhook(release: Release) -> None:
    pod = json.loads(release.kubectl("get", "pod", release.extender(), "-o", "json"))
    host = pod["status"]["podIP"]
    code = (
        "import socket,sys\n"
        "def open(port):\n"
        "  s = socket.socket(); s.settimeout(3)\n"
        f"  return s.connect_ex(('{host}', port)) == 0\n"
        "print([p for p in (8080, 8888, 8443, 8090, 10251) if open(p)])"
    )
    prober = release.prober_on("node-2")["metadata"]["name"]
    assert release.inside(prober, "prober", "python", "-c", code).strip() == "[8080]"
