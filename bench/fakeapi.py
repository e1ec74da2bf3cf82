"""`python -m bench.fakeapi NODES PODS`: an API server that lists so many nodes and bound pods, and then never changes.

Every tenth pod has a promise, in one of a hundred Deployments; all are in one namespace. Prints its address.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from functools import cache
from typing import Final

from aiohttp import web

from bench.objects import node_json, node_names, pod_json
from bench.webhooks import intent, peers_of

__all__ = ["NAMESPACE", "PROMISED", "main"]

NAMESPACE: Final = "shop"
PROMISED: Final = 10
"""One pod in so many has a promise."""

DEPLOYMENTS: Final = 100


class FakeApi:
    """Lists in pages; watches that stay silent; everything else is taken or does not exist."""

    def __init__(self, nodes: int, pods: int) -> None:
        self._names, self._pods = node_names(nodes), pods
        self._peers = peers_of(self._names)
        self._lists: dict[str, tuple[int, Callable[[int], bytes]]] = {
            "/api/v1/nodes": (nodes, self._node),
            "/api/v1/pods": (pods, self._pod),
            f"/api/v1/namespaces/{NAMESPACE}/pods": (pods, self._pod),
        }

    async def get(self, request: web.Request) -> web.StreamResponse:
        """A page of a list, or a watch."""
        if request.query.get("watch"):
            response = web.StreamResponse(headers={"Content-Type": "application/json"})
            await response.prepare(request)
            await asyncio.sleep(3600)
            return response
        count, make = self._lists.get(request.path, (0, self._node))
        begin, limit = int(request.query.get("continue", 0)), int(request.query.get("limit", count))
        end = min(begin + limit, count)
        rest = f',"continue":"{end}"' if end < count else ""
        items = b",".join(make(i) for i in range(begin, end))
        head = f'{{"metadata":{{"resourceVersion":"7"{rest}}},"items":['.encode()
        return web.Response(body=head + items + b"]}", content_type="application/json")

    async def taken(self, request: web.Request) -> web.Response:
        """Say yes to a write."""
        return web.Response(body=await request.read(), status=201, content_type="application/json")

    def _node(self, i: int) -> bytes:
        return json.dumps(node_json(self._names[i])).encode()

    def _pod(self, i: int) -> bytes:
        deployment = i % DEPLOYMENTS
        promised = i // DEPLOYMENTS % PROMISED == 0
        made = _template(deployment, self._peers[deployment % len(self._peers)] if promised else "")
        own = {"NAME": f"app-{deployment}-{i}", "UID": f"pod-{i}", "NODE": self._names[i % len(self._names)]}
        for mark, value in own.items():
            made = made.replace(f'"{mark}"', f'"{value}"')
        return made.encode()


@cache
def _template(deployment: int, peer: str) -> str:
    """The JSON of a Deployment's bound pods, with marks for what each has of its own; with a peer they are promised
    to be near it."""
    pod = pod_json("NAME", intent(peer, require=False) if peer else {})
    pod["metadata"]["uid"] = "UID"
    pod["metadata"]["labels"] = {"app": f"app-{deployment}", "pod-template-hash": "5d9c7b8f6d"}
    pod["metadata"]["ownerReferences"][0]["uid"] = f"owner-{deployment}"
    pod["spec"]["nodeName"] = "NODE"
    pod["status"] = {"phase": "Running", "qosClass": "Burstable", "podIP": "10.244.1.7"}
    return json.dumps(pod)


def main() -> None:
    """Serve until killed."""
    asyncio.run(_serve(FakeApi(int(sys.argv[1]), int(sys.argv[2]))))


async def _serve(api: FakeApi) -> None:
    app = web.Application()
    app.router.add_get("/{path:.*}", api.get)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        app.router.add_route(method, "/{path:.*}", api.taken)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    print(f"fakeapi=http://{host}:{port}", flush=True)  # noqa: T201
    await asyncio.Event().wait()


if __name__ == "__main__":
    main()
