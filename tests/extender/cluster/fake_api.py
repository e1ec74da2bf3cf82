"""An API server of plain HTTP that lists in pages, streams watches and misbehaves when told to."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

NODES, PODS = "/api/v1/nodes", "/api/v1/namespaces/shop/pods"
SERVICES = "/api/v1/namespaces/shop/services"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"

Json = dict[str, Any]


class FakeApi:
    """Objects by the path of their list. `asked` holds every request's path and query."""

    def __init__(self) -> None:
        self.version = 100
        self.compacted = 0  # watches from versions below get a 410
        self.page_size = 500
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.patches: list[tuple[str, str, Any]] = []
        self.written: list[tuple[str, str, Any]] = []  # method, path and body of every POST and PUT
        self.deleted: list[tuple[str, dict[str, str]]] = []  # path and query
        self.patch_delay_s = 0.0
        self.list_delay_s = 0.0  # after the snapshot was taken
        self.tokens: list[str] = []
        self.answers: dict[str, list[Callable[[], web.Response]]] = defaultdict(list)  # served first, one a request
        self._objects: dict[str, dict[str, Json]] = defaultdict(dict)
        self._log: list[tuple[int, str, Json]] = []  # (version, path, event)
        self._watches: dict[str, list[web.StreamResponse]] = defaultdict(list)
        self._requests: dict[web.StreamResponse, web.Request] = {}
        app = web.Application()
        app.router.add_get("/{path:.*}", self._get)
        app.router.add_patch("/{path:.*}", self._patch)
        app.router.add_post("/{path:.*}", self._create)
        app.router.add_put("/{path:.*}", self._create)
        app.router.add_delete("/{path:.*}", self._delete)
        self.server = TestServer(app)

    @property
    def url(self) -> str:
        return str(self.server.make_url("")).rstrip("/")

    # -- what happens in the cluster ----------------------------------------------------------------------------

    async def put(self, path: str, *objects: Json, quiet: bool = False) -> None:
        """Create or change objects; `quiet` changes them while nobody is told."""
        for obj in objects:
            self.version += 1
            name = obj["metadata"]["name"]
            kind = "MODIFIED" if name in self._objects[path] else "ADDED"
            obj["metadata"]["resourceVersion"] = str(self.version)
            self._objects[path][name] = obj
            await self._tell(path, kind, obj, quiet)

    async def delete(self, path: str, name: str, *, quiet: bool = False) -> None:
        self.version += 1
        obj = self._objects[path].pop(name)
        obj["metadata"]["resourceVersion"] = str(self.version)
        await self._tell(path, "DELETED", obj, quiet)

    async def _tell(self, path: str, kind: str, obj: Json, quiet: bool) -> None:
        event = {"type": kind, "object": obj}
        if quiet:
            self.compacted = self.version
        else:
            self._log.append((self.version, path, event))
            await self.send(path, json.dumps(event).encode() + b"\n")

    # -- what happens to the connections ------------------------------------------------------------------------

    async def send(self, path: str, *chunks: bytes) -> None:
        """Raw bytes to every watch of a path, cut into these chunks."""
        for watch in self._watches[path]:
            for chunk in chunks:
                with suppress(ConnectionError):  # a connection that was just cut
                    await watch.write(chunk)
                await asyncio.sleep(0.01 if len(chunks) > 1 else 0)

    async def bookmark(self, path: str) -> None:
        self.version += 1
        meta = {"resourceVersion": str(self.version)}
        await self.send(path, json.dumps({"type": "BOOKMARK", "object": {"metadata": meta}}).encode() + b"\n")

    async def error(self, path: str, code: int) -> None:
        """An ERROR event with this code on every watch."""
        status = {"kind": "Status", "metadata": {}, "code": code, "message": "too old"}
        await self.send(path, json.dumps({"type": "ERROR", "object": status}).encode() + b"\n")

    def cut(self, path: str) -> None:
        """Break every watch's connection in the middle."""
        for watch in self._watches[path]:
            transport = self._requests[watch].transport
            assert transport is not None
            transport.abort()

    def fail_next(self, path: str, status: int, times: int = 1, message: str = "no") -> None:
        body = json.dumps({"kind": "Status", "message": message, "code": status})
        self.answers[path] += [lambda: web.Response(status=status, text=body)] * times

    def watching(self, path: str) -> int:
        return len(self._watches[path])

    def lists(self, path: str) -> int:
        """How often the first page was asked for."""
        return sum(1 for p, q in self.asked if p == path and "watch" not in q and "continue" not in q)

    def watched_from(self, path: str) -> list[str]:
        return [q["resourceVersion"] for p, q in self.asked if p == path and "watch" in q]

    # -- the server ---------------------------------------------------------------------------------------------

    async def _get(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, dict(request.query)))
        self.tokens.append(request.headers.get("Authorization", ""))
        if self.answers[request.path]:
            return self.answers[request.path].pop(0)()
        if "watch" in request.query:
            return await self._watch(request)
        listed = self._list(request)
        await asyncio.sleep(self.list_delay_s)
        return listed

    def _list(self, request: web.Request) -> web.Response:
        items = list(self._objects[request.path].values())
        start = int(request.query.get("continue", 0))
        end = start + min(self.page_size, int(request.query.get("limit", len(items) + 1)))
        meta = {"resourceVersion": str(self.version)} | ({"continue": str(end)} if end < len(items) else {})
        return web.json_response({"kind": "List", "metadata": meta, "items": items[start:end]})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        since = int(request.query["resourceVersion"])
        if since < self.compacted:
            return web.json_response({"kind": "Status", "code": 410, "message": "too old"}, status=410)
        response = web.StreamResponse()
        await response.prepare(request)
        self._requests[response] = request
        for version, path, event in self._log:
            if path == request.path and version > since:
                await response.write(json.dumps(event).encode() + b"\n")
        self._watches[request.path].append(response)
        try:
            await asyncio.sleep(float(request.query["timeoutSeconds"]))
        finally:
            self._watches[request.path].remove(response)
        return response

    async def _patch(self, request: web.Request) -> web.Response:
        self.patches.append((request.raw_path, request.content_type, await request.json()))
        await asyncio.sleep(self.patch_delay_s)
        if self.answers[request.path]:
            return self.answers[request.path].pop(0)()
        return web.json_response({})

    async def _create(self, request: web.Request) -> web.Response:
        """What was sent comes back, unless another answer waits in `answers`."""
        body = await request.json()
        self.written.append((request.method, request.raw_path, body))
        if self.answers[request.path]:
            return self.answers[request.path].pop(0)()
        return web.json_response(body, status=201 if request.method == "POST" else 200)

    async def _delete(self, request: web.Request) -> web.Response:
        self.deleted.append((request.raw_path.partition("?")[0], dict(request.query)))
        if self.answers[request.path]:
            return self.answers[request.path].pop(0)()
        return web.json_response({})


def pod(name: str, node: str = "", **fields: Any) -> Json:
    """A pod with labels, an owner and a phase as given."""
    meta: Json = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "labels": fields.get("labels", {})}
    if owner := fields.get("owner"):
        meta["ownerReferences"] = [{"uid": owner, "controller": True}]
    if fields.get("deleted"):
        meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    spec = {"nodeName": node} if node else {}
    return {"metadata": meta, "spec": spec, "status": {"phase": fields.get("phase", "Running" if node else "Pending")}}


def node(name: str, *addresses: str, ready: str = "True", **spec: Any) -> Json:
    """A node with internal addresses."""
    listed = [{"type": "InternalIP", "address": a} for a in addresses] + [{"type": "Hostname", "address": name}]
    conditions = [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": ready}]
    return {"metadata": {"name": name}, "spec": spec, "status": {"addresses": listed, "conditions": conditions}}


def service(name: str, kind: str = "ClusterIP") -> Json:
    return {"metadata": {"name": name}, "spec": {"type": kind}}


def endpoints(name: str, of: str, *nodes: str | None, **conditions: Any) -> Json:
    """A slice of a service with an endpoint on each node."""
    listed = [{"addresses": ["10.1.0.1"], "nodeName": n, "conditions": conditions} for n in nodes]
    return {"metadata": {"name": name, "labels": {"kubernetes.io/service-name": of}}, "endpoints": listed}


async def until(true: Callable[[], bool], seconds: float = 5) -> None:
    """Wait until something holds; fail where it never does."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not true():  # nothing here announces what tests wait for
                await asyncio.sleep(0.005)
    assert true()
