"""The node that an identity's pod runs on."""

import hashlib
import math
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

import msgspec

from extender.access.identity import NODE_NAME, POD_NAME, POD_UID, Identity
from extender.access.memory import Answer, Memory
from extender.cluster.api import Api, ApiError, decoded
from extender.errors import NotReady, Refused

__all__ = ["NodeFinder"]

MOST: Final = 20_000


class _Meta(msgspec.Struct):
    uid: str


class _Spec(msgspec.Struct):
    node: str = msgspec.field(name="nodeName", default="")


class _Pod(msgspec.Struct):
    metadata: _Meta
    spec: _Spec


_pod = msgspec.json.Decoder(_Pod).decode


class NodeFinder:
    """Reads the node from a review's extra values (Kubernetes >= 1.30), else from the pod that they name."""

    def __init__(self, api: Api, clock: Callable[[], float]) -> None:
        self._api = api
        self._nodes: Memory[str] = Memory(MOST, clock)

    async def node_of(self, who: Identity) -> str:
        """The node's name; raises Refused where the token is bound to none, NotReady where that cannot be read."""
        if node := who.first(NODE_NAME):
            return node
        name, uid = who.first(POD_NAME), who.first(POD_UID)
        if not name or not who.namespace:
            raise Refused(
                f"the token of {who.username} is bound to no pod, so it names no node: let the kubelet make it "
                "(a projected serviceAccountToken volume)"
            )
        key = hashlib.sha256("\0".join((who.namespace, name, uid)).encode()).digest()
        if known := self._nodes.get(key):
            return known.value
        node = await self._read(f"{who.namespace}/{name}", uid)
        self._nodes.put(key, Answer(node, True, math.inf, math.inf))  # a bound pod never moves
        return node

    async def _read(self, pod: str, uid: str) -> str:
        namespace, _, name = pod.partition("/")
        try:
            raw = await self._api.get(f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(name, safe='')}", {})
            found = decoded(_pod, raw)
        except ApiError as e:
            if e.status == 404:
                raise Refused(f"the token is bound to pod {pod}, which does not exist any more") from e
            raise NotReady(f"the node of pod {pod} cannot be read ({e}); try again in a moment") from e
        if found.metadata.uid != uid:
            raise Refused(f"the token is bound to an earlier pod {pod}")
        if not found.spec.node:
            raise Refused(f"the token is bound to pod {pod}, which runs on no node yet")
        return found.spec.node
