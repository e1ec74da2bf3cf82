"""Objects in the control plane under test: create, wait, look, clean up; raw JSON, as tests read like manifests."""

import asyncio
import ssl
import time
from collections.abc import Iterable
from typing import Any

import aiohttp

from tests.controlplane.plane import ADMIN, SCHEDULER, ControlPlane

MERGE = "application/merge-patch+json"
BUILT_IN = ("system-cluster-critical", "system-node-critical")
ANONYMOUS_PAUSE = [{"name": "main", "image": "registry.k8s.io/pause:3.10"}]


class Kube:
    """The API server for tests. Without a namespace, objects are in `default`.

    await kube.node("node-1", address="10.0.0.1")
    await kube.pod("web", annotations={"neilats.io/peer-nodes": "node-1"})
    assert await kube.wait_bound("web") == {"web": "node-1"}
    """

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._context = ssl.create_default_context(cafile=plane.ca)
        self._session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {ADMIN}"})

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def ask(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        """One request; raises with the server's message on an error status."""
        url, headers = self._plane.url + path, {"Content-Type": kind}
        async with self._session.request(method, url, json=body, headers=headers, ssl=self._context) as reply:
            content = await reply.json()
            if reply.status >= 300:
                raise RuntimeError(f"{method} {path}: {reply.status} {content.get('message')}")
            return content

    async def items(self, path: str) -> list[dict[str, Any]]:
        """The items of a list."""
        found: list[dict[str, Any]] = (await self.ask("GET", path))["items"]
        return found

    # -- nodes --------------------------------------------------------------------------------------------------

    async def node(
        self, name: str, *addresses: str, cpu: str = "8", pods: int = 110, labels: dict[str, str] | None = None
    ) -> None:
        """A Ready, untainted node with these internal addresses, which kube-scheduler accepts."""
        room = {"cpu": cpu, "memory": "16Gi", "pods": str(pods)}
        status = {
            "addresses": [{"type": "InternalIP", "address": a} for a in addresses],
            "capacity": room,
            "allocatable": room,
            "conditions": [{"type": "Ready", "status": "True", "reason": "Test", "message": ""}],
        }
        # With its status at once, as a kubelet registers: a running scheduler never sees the node without room.
        await self.ask("POST", "/api/v1/nodes", {"metadata": {"name": name, "labels": labels or {}}, "status": status})

    async def nodes(self, names: Iterable[str]) -> None:
        """Several nodes with the addresses 10.0.0.1, 10.0.0.2 and so on."""
        for i, name in enumerate(names, 1):
            await self.node(name, f"10.0.{i // 250}.{i % 250}")

    async def patch_node(self, name: str, change: dict[str, Any], *, status: bool = False) -> None:
        """Merge a change into a node or, for conditions and addresses, into its status."""
        await self.ask("PATCH", f"/api/v1/nodes/{name}{'/status' if status else ''}", change, MERGE)

    async def delete_node(self, name: str) -> None:
        """Delete a node at once."""
        await self.ask("DELETE", f"/api/v1/nodes/{name}")

    # -- pods ---------------------------------------------------------------------------------------------------

    async def pod(
        self,
        name: str,
        *,
        namespace: str = "default",
        annotations: dict[str, str] | None = None,
        labels: dict[str, str] | None = None,
        node: str = "",
        phase: str = "",
        cpu: str = "",
        priority_class: str = "",
        owner: str = "",
        owner_kind: str = "ReplicaSet",
        scheduler: str = SCHEDULER,
        **spec: Any,
    ) -> dict[str, Any]:
        """A pod, returned as stored: for the scheduler under test or, with `node`, bound already."""
        meta: dict[str, Any] = {"name": name, "annotations": annotations or {}, "labels": labels or {}}
        if owner:
            reference = {"apiVersion": "apps/v1", "kind": owner_kind, "name": owner, "uid": owner}
            meta["ownerReferences"] = [reference | {"controller": True}]
        containers = [c | ({"resources": {"requests": {"cpu": cpu}}} if cpu else {}) for c in ANONYMOUS_PAUSE]
        spec = {"containers": containers, "schedulerName": scheduler, "terminationGracePeriodSeconds": 0} | spec
        spec |= {"nodeName": node} if node else {}
        spec |= {"priorityClassName": priority_class} if priority_class else {}
        path = f"/api/v1/namespaces/{namespace}/pods"
        made: dict[str, Any] = await self.ask("POST", path, {"metadata": meta, "spec": spec})
        if phase:
            made = await self.ask("PATCH", f"{path}/{name}/status", {"status": {"phase": phase}}, MERGE)
        return made

    async def get_pod(self, name: str, namespace: str = "default") -> dict[str, Any]:
        """A pod as stored; raises where it does not exist."""
        found: dict[str, Any] = await self.ask("GET", f"/api/v1/namespaces/{namespace}/pods/{name}")
        return found

    async def pods(self, namespace: str = "default") -> dict[str, str]:
        """The node of every pod by name; an empty string where it is not bound."""
        found = await self.items(f"/api/v1/namespaces/{namespace}/pods")
        return {p["metadata"]["name"]: p["spec"].get("nodeName", "") for p in found}

    async def patch_pod(
        self, name: str, change: dict[str, Any], namespace: str = "default", *, status: bool = False
    ) -> None:
        """Merge a change into a pod or, for its phase, into its status."""
        path = f"/api/v1/namespaces/{namespace}/pods/{name}{'/status' if status else ''}"
        await self.ask("PATCH", path, change, MERGE)

    async def delete_pod(self, name: str, namespace: str = "default") -> None:
        """Delete a pod at once."""
        await self.ask("DELETE", f"/api/v1/namespaces/{namespace}/pods/{name}?gracePeriodSeconds=0")

    async def wait_bound(self, *names: str, namespace: str = "default", timeout_s: float = 30) -> dict[str, str]:
        """The nodes that these pods are bound to, once all are; fails with their events otherwise."""
        end = time.monotonic() + timeout_s
        while True:
            found = {n: node for n, node in (await self.pods(namespace)).items() if n in names}
            if all(found.get(n) for n in names):
                return found
            if time.monotonic() > end:
                waiting = [n for n in names if not found.get(n)]
                events = {n: await self.events_of(n, namespace) for n in waiting}
                raise AssertionError(f"not bound after {timeout_s:g} s: {events}")
            await asyncio.sleep(0.05)

    async def wait_phase(self, name: str, phase: str, namespace: str = "default", timeout_s: float = 60) -> None:
        """Return when a pod is in this phase: `Running` needs a kubelet."""
        end = time.monotonic() + timeout_s
        while (found := (await self.get_pod(name, namespace)).get("status", {}).get("phase")) != phase:
            if time.monotonic() > end:
                raise AssertionError(f"pod {name} is {found}, not {phase}, after {timeout_s:g} s")
            await asyncio.sleep(0.1)

    async def events_of(self, pod: str, namespace: str = "default") -> list[str]:
        """`Reason: message` of every event about a pod, oldest first; kube-scheduler says there why none fits."""
        found = await self.items(f"/api/v1/namespaces/{namespace}/events?fieldSelector=involvedObject.name={pod}")
        return [f"{e.get('reason')}: {e.get('message')}" for e in found]

    async def wait_event(self, pod: str, text: str, namespace: str = "default", timeout_s: float = 30) -> str:
        """The first event about a pod that contains the text, once there is one."""
        end = time.monotonic() + timeout_s
        while True:
            events = await self.events_of(pod, namespace)
            if found := next((e for e in events if text in e), ""):
                return found
            if time.monotonic() > end:
                raise AssertionError(f"no event with {text!r} after {timeout_s:g} s, but {events}")
            await asyncio.sleep(0.1)

    # -- the rest -----------------------------------------------------------------------------------------------

    async def namespace(self, name: str) -> None:
        """A namespace, if it does not exist yet; it stays, because nothing here finishes its deletion."""
        if name not in {n["metadata"]["name"] for n in await self.items("/api/v1/namespaces")}:
            await self.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})

    async def service(self, name: str, namespace: str = "default", **spec: Any) -> None:
        """A service without a cluster address and without endpoints."""
        spec = {"ports": [{"port": 80}]} | ({} if "type" in spec else {"clusterIP": "None"}) | spec
        await self.ask("POST", f"/api/v1/namespaces/{namespace}/services", {"metadata": {"name": name}, "spec": spec})

    async def endpoints(
        self,
        service: str,
        nodes: Iterable[str],
        namespace: str = "default",
        *,
        slice_name: str = "",
        ready: bool = True,
    ) -> None:
        """One EndpointSlice of a service with an endpoint on each of the nodes; an existing one is replaced."""
        name, path = slice_name or f"{service}-1", f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        body = {
            "metadata": {"name": name, "labels": {"kubernetes.io/service-name": service}},
            "addressType": "IPv4",
            "endpoints": [
                {"addresses": [f"10.1.0.{i}"], "nodeName": node, "conditions": {"ready": ready}}
                for i, node in enumerate(nodes, 1)
            ],
        }
        if any(s["metadata"]["name"] == name for s in await self.items(path)):
            await self.ask("PUT", f"{path}/{name}", body)
        else:
            await self.ask("POST", path, body)

    async def priority_class(self, name: str, value: int) -> None:
        """A priority class that preempts lower ones."""
        await self.ask(
            "POST", "/apis/scheduling.k8s.io/v1/priorityclasses", {"metadata": {"name": name}, "value": value}
        )

    async def clean(self) -> None:
        """Delete all that tests make, except namespaces."""
        for namespace in [n["metadata"]["name"] for n in await self.items("/api/v1/namespaces")]:
            core = f"/api/v1/namespaces/{namespace}"
            await self.ask("DELETE", f"{core}/pods?gracePeriodSeconds=0")
            await self.ask("DELETE", f"{core}/events")
            await self.ask("DELETE", f"/apis/events.k8s.io/v1/namespaces/{namespace}/events")
            await self.ask("DELETE", f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices")
            for service in await self.items(f"{core}/services"):
                if service["metadata"]["name"] != "kubernetes":
                    await self.ask("DELETE", f"{core}/services/{service['metadata']['name']}")
        await self.ask("DELETE", "/api/v1/nodes")
        for found in await self.items("/apis/scheduling.k8s.io/v1/priorityclasses"):
            if (name := found["metadata"]["name"]) not in BUILT_IN:
                await self.ask("DELETE", f"/apis/scheduling.k8s.io/v1/priorityclasses/{name}")
