"""Sets the stage: starts the extender and a prober for every node, and lets the story look at and change the links."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp

from neilats.commands.client import ask
from neilats.commands.errors import ClientError
from neilats.demo.children import Children, free_port
from neilats.demo.kubescheduler import NAMESPACE, PodScheduler
from neilats.demo.plan import ADDRESSES, EXTENDER_ADDRESS, INTERVAL_S, PEER, Plan

__all__ = ["Stage", "open_stage"]

API_PORT: Final = 8080
WEBHOOK_PORT: Final = 8888
"""The ports that the services have by default; another one where somebody else has it."""


class Stage:
    """The running processes, and one HTTP session to the extender."""

    def __init__(self, children: Children, session: aiohttp.ClientSession, url: str, webhooks: str, plan: Plan) -> None:
        self.url = url
        self._children = children
        self.scheduler = PodScheduler(session, webhooks, PEER, plan.sla_ms)
        self._sla_ms = plan.sla_ms

    def check(self) -> None:
        """Raise ChildError if a process has ended."""
        self._children.check()

    async def ready(self) -> bool:
        """Whether the extender has heard of most probers."""
        try:
            await ask(self.url, "/readyz")
        except ClientError:
            return False
        return True

    async def matrix(self) -> list[dict[str, Any]]:
        """Every measured path."""
        paths: list[dict[str, Any]] = (await ask(self.url, "/v1/matrix"))["paths"]
        return paths

    async def scores(self, nodes: tuple[str, ...]) -> dict[str, Any]:
        """What a pod would hear now."""
        return await ask(self.url, "/v1/scores", {"peer": PEER, "sla_ms": self._sla_ms, "nodes": list(nodes)})

    async def decision(self, pod: str) -> Mapping[str, Any]:
        """The extender's record of a pod."""
        found: Mapping[str, Any] = (await ask(self.url, f"/v1/decisions/{NAMESPACE}/{pod}"))["decisions"][0]
        return found

    def play(self) -> None:
        """Let the trace run on every node."""
        for name in ADDRESSES:
            self._children.tell(name, {"play": time.monotonic()})

    def slow_down(self, node: str, extra_ms: float) -> None:
        """Worsen the link between a node and the peer, in both directions."""
        self._children.tell(PEER, {"slow": node, "extra_ms": extra_ms})
        self._children.tell(node, {"slow": PEER, "extra_ms": extra_ms})


@asynccontextmanager
async def open_stage(children: Children, plan: Plan) -> AsyncIterator[Stage]:
    """Start every process; whoever made `children` stops them."""
    api = f"{EXTENDER_ADDRESS}:{free_port(EXTENDER_ADDRESS, API_PORT)}"
    webhooks = f"{EXTENDER_ADDRESS}:{free_port(EXTENDER_ADDRESS, WEBHOOK_PORT)}"
    # Names without addresses: the probers report theirs with the port of their echo, so none is probed too early.
    flags = ["--listen", api, "--webhook-listen", webhooks, "--cluster", "none", "--nodes", ",".join(ADDRESSES)]
    children.start("extender", ["-m", "neilats", "extender", *flags, "--interval-s", f"{INTERVAL_S:g}"])
    for name in ADDRESSES:
        children.start(name, ["-m", "neilats.demo.node", name, f"http://{api}"], orders=True)
    async with aiohttp.ClientSession() as session:
        yield Stage(children, session, f"http://{api}", f"http://{webhooks}", plan)
