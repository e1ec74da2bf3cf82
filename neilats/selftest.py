"""Has a real pod placed through the scheduler, and reads where it landed and why; what `helm test` runs.

The pod asks to be near a node with a working prober. It is taken away again, and belongs to the probers' DaemonSet
besides, so that the garbage collector takes it where this is killed.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from extender.cluster.api import Api
from extender.events.messages import NEUTRAL
from extender.intents import PREFIX

__all__ = ["Plan", "SelfTestError", "run_selftest"]

PROBERS: Final = "app.kubernetes.io/component=prober"
_POLL_S: Final = 0.5
_AGAIN_S: Final = 5.0
"""Between two attempts: new probers have measured little yet."""
_EVENT_S: Final = 15.0
"""Events are written beside the decisions, after them."""

Json = dict[str, Any]


class SelfTestError(Exception):
    """The pod was not placed, or not by what is measured; the text says what to look at."""


@dataclass(frozen=True)
class Plan:
    """What pod to make, where, and how long to wait for it; `own_pod` is the one that this runs in, if any."""

    namespace: str
    scheduler: str
    image: str
    pull_policy: str = "IfNotPresent"
    pull_secrets: Sequence[str] = ()
    own_pod: str = ""
    timeout_s: float = 60.0

    @property
    def pods(self) -> str:
        """The path of the namespace's pods."""
        return f"/api/v1/namespaces/{quote(self.namespace, safe='')}/pods"


async def run_selftest(
    api: Api,
    plan: Plan,
    say: Callable[[str], None],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Place a pod near a prober's node, again while nothing is measured yet; raises SelfTestError and ApiError."""
    trial = _Trial(api, plan, say, clock, sleep)
    end = clock() + plan.timeout_s
    owners = await trial.owners()
    await trial.go_with(owners)
    near = await trial.neighbour()
    while True:
        why = await trial.place(near, owners, end)
        if NEUTRAL not in why:
            return
        if clock() + _AGAIN_S > end:
            raise SelfTestError(f"the pod was placed, but not by what is measured: {why}; see `neilats doctor`")
        say("not by what is measured yet; trying again")
        await sleep(_AGAIN_S)


@dataclass(frozen=True)
class _Trial:
    api: Api
    plan: Plan
    say: Callable[[str], None]
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]

    async def owners(self) -> list[Json]:
        """The probers' DaemonSet, which need not wait for what it owns here, and controls none of it."""
        path = f"/apis/apps/v1/namespaces/{quote(self.plan.namespace, safe='')}/daemonsets"
        found = [d["metadata"] for d in await self._items(path, {"labelSelector": PROBERS})]
        return [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": m["name"], "uid": m["uid"]} for m in found[:1]]

    async def neighbour(self) -> str:
        """The node of a prober that is ready."""
        for pod in await self._items(self.plan.pods, {"labelSelector": PROBERS}):
            if (node := pod["spec"].get("nodeName")) and _ready(pod):
                return str(node)
        where = f"kubectl -n {self.plan.namespace} get pods -l {PROBERS} -o wide"
        raise SelfTestError(
            f"no prober is ready in namespace {self.plan.namespace}, so nothing is measured; see {where}"
        )

    async def go_with(self, owners: list[Json]) -> None:
        """Let the pod that this runs in go with its owners: `helm uninstall` leaves tests' pods behind."""
        if self.plan.own_pod and owners:
            change = {"metadata": {"ownerReferences": owners}}
            await self.api.patch(f"{self.plan.pods}/{self.plan.own_pod}", change)

    async def place(self, near: str, owners: list[Json], end: float) -> str:
        """Make the pod, wait until it is bound, and return what neilats says about its node."""
        made: Json = json.loads(await self.api.post(self.plan.pods, _pod(self.plan, near, owners)))
        name, uid = made["metadata"]["name"], made["metadata"]["uid"]
        self.say(f"{name}: to be near {near}, by {self.plan.scheduler}")
        try:
            node = await self._bound(name, uid, end)
            why = await self._reason(uid, node)
        finally:
            await self.api.delete(f"{self.plan.pods}/{name}", {"gracePeriodSeconds": "0"})
        self.say(f"{name}: {why}")
        return why

    async def _bound(self, name: str, uid: str, end: float) -> str:
        while True:
            pod = json.loads(await self.api.get(f"{self.plan.pods}/{name}", {}))
            if node := pod["spec"].get("nodeName"):
                return str(node)
            if self.clock() >= end:
                raise SelfTestError(await self._unbound(uid))
            await self.sleep(_POLL_S)

    async def _unbound(self, uid: str) -> str:
        began = f"the pod was not placed within {self.plan.timeout_s:g} s"
        told = [f"{e.get('reason')}: {e.get('message')}" for e in await self._events(uid)]
        if told:
            return f"{began}: {'; '.join(told)}"
        return (
            f"{began}, and nobody tried: no scheduler calls itself {self.plan.scheduler}, or none of its replicas leads"
        )

    async def _reason(self, uid: str, node: str) -> str:
        end = self.clock() + _EVENT_S
        while True:
            for event in await self._events(uid):
                if event.get("reason") == "LatencyPlacement":
                    return str(event.get("message", ""))
            if self.clock() >= end:
                raise SelfTestError(
                    f"the pod is on {node}, but there is no event LatencyPlacement: kube-scheduler did not ask the "
                    "extender (its log and `neilats doctor` say why), or the setting events is off"
                )
            await self.sleep(_POLL_S)

    async def _events(self, uid: str) -> list[Json]:
        path = self.plan.pods.removesuffix("pods") + "events"
        return await self._items(path, {"fieldSelector": f"involvedObject.uid={uid}"})

    async def _items(self, path: str, params: Mapping[str, str]) -> list[Json]:
        found: list[Json] = json.loads(await self.api.get(path, params))["items"]
        return found


def _ready(pod: Json) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _pod(plan: Plan, near: str, owners: list[Json]) -> Json:
    """A pod that prints its version and ends, allowed by the strictest pod security standard."""
    container = {
        "name": "version",
        "image": plan.image,
        "imagePullPolicy": plan.pull_policy,
        "args": ["--version"],
        "resources": {"requests": {"cpu": "1m", "memory": "16Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    return {
        "metadata": {
            "generateName": "neilats-selftest-",
            "labels": {"app.kubernetes.io/name": "neilats", "app.kubernetes.io/component": "selftest"},
            "annotations": {f"{PREFIX}peer-nodes": near},
            "ownerReferences": owners,
        },
        "spec": {
            "schedulerName": plan.scheduler,
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 0,
            "imagePullSecrets": [{"name": name} for name in plan.pull_secrets],
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
        },
    }
