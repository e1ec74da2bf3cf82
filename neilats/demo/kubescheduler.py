"""A kube-scheduler of a few lines: for each new pod it makes the real webhook calls and takes the best node."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

__all__ = ["NAMESPACE", "Placement", "PodScheduler"]

NAMESPACE: Final = "demo"

TIMEOUT: Final = aiohttp.ClientTimeout(total=5)


@dataclass(frozen=True)
class Placement:
    """Where a pod went, and what the extender had said."""

    pod: str
    node: str
    scores: dict[str, int]
    refused: dict[str, str] = field(default_factory=dict)


class PodScheduler:
    """Places pods that want to be near `peer`, within `sla_ms`; `url` is the webhooks'."""

    def __init__(self, session: aiohttp.ClientSession, url: str, peer: str, sla_ms: float) -> None:
        self._session, self._url = session, url
        self._annotations = {"neilats.io/peer-nodes": peer, "neilats.io/max-rtt-ms": f"{sla_ms:g}"}
        self._count = 0

    async def place(self, nodes: Sequence[str]) -> Placement:
        """One scheduling cycle: filter, prioritize, bind to the best; among equals the first by name."""
        self._count += 1
        pod = self._pod(f"pod-{self._count}")
        kept = await self._call("filter", {"Pod": pod, "Nodes": None, "NodeNames": list(nodes)})
        names = kept["NodeNames"]
        ranked = await self._call("prioritize", {"Pod": pod, "Nodes": None, "NodeNames": names})
        scores = {entry["Host"]: int(entry["Score"]) for entry in ranked}
        node = min(scores, key=lambda name: (-scores[name], name)) if scores else ""
        return Placement(pod["metadata"]["name"], node, scores, kept["FailedAndUnresolvableNodes"])

    async def _call(self, verb: str, body: dict[str, Any]) -> Any:
        async with self._session.post(f"{self._url}/scheduler/{verb}", json=body, timeout=TIMEOUT) as response:
            response.raise_for_status()
            return await response.json()

    def _pod(self, name: str) -> dict[str, Any]:
        return {
            "metadata": {"name": name, "namespace": NAMESPACE, "uid": f"{NAMESPACE}-{name}"}
            | {"annotations": self._annotations},
            "spec": {"schedulerName": "neilats"},
        }
