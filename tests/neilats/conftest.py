"""Extenders that really listen, for the commands that ask them, and ways to run the commands."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import ClientSession, web
from click.testing import CliRunner, Result

from extender.app import build
from extender.cluster.static import StaticCluster
from neilats.cli import cli
from neilats.settings import ExtenderSettings
from tests.extender.conftest import Bench, Clock

NODES = ("gateway", "node-1", "node-2", "node-3")


class Served(Bench):
    """An extender under test with the URL at which it listens."""

    url = ""

    async def decided(self, name: str, **annotations: str) -> None:
        """Let a pod have been placed: filter, then prioritize."""
        pod = {
            "metadata": {
                "name": name,
                "namespace": "shop",
                "uid": f"uid-{name}-{self.url}",
                "annotations": {f"neilats.io/{k.replace('_', '-')}": v for k, v in annotations.items()},
            }
        }
        names = (await self.ask("filter", pod, NODES[1:]))["NodeNames"]
        await self.ask("prioritize", pod, tuple(names))


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Any]]:
    """Serve an extender on a static cluster at a host and port."""
    async with AsyncExitStack() as stack:

        async def make(
            host: str = "127.0.0.1", port: int = 0, nodes: tuple[str, ...] = NODES, **settings: Any
        ) -> Served:
            clock = Clock()
            chosen = ExtenderSettings(**{"forecaster": "median", **settings})
            extender = build(chosen, StaticCluster((n, "") for n in nodes), clock)
            stack.callback(extender.worker.close)
            stack.callback(extender.estimates.close)
            completing = asyncio.create_task(extender.followup.run())
            stack.callback(completing.cancel)
            urls = []
            for app, at in ((extender.apps.webhooks, 0), (extender.apps.api, port)):
                runner = web.AppRunner(app)
                await runner.setup()
                stack.push_async_callback(runner.cleanup)
                await web.TCPSite(runner, host, at).start()
                urls.append("http://{}:{}".format(*runner.addresses[0][:2]))
            sessions = [await stack.enter_async_context(ClientSession(base_url=url)) for url in urls]
            served = Served(extender, clock, *sessions)
            served.url = urls[1]
            return served

        yield make


@pytest.fixture
async def served(serve: Callable[..., Any]) -> Served:
    """One extender that has measured three nodes' paths to the gateway."""
    extender: Served = await serve()
    await extender.star("gateway", {"node-1": 5.0, "node-2": 9.0, "node-3": 40.0})
    return extender


async def neilats(*args: str) -> Result:
    """The command's result, with the event loop left free to serve."""
    return await asyncio.to_thread(CliRunner().invoke, cli, args)


def neilats_process(*args: str, env: dict[str, str] | None = None, timeout: float = 20) -> Any:
    """The command as a user runs it."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("NEILATS_")}
    return subprocess.run(
        [sys.executable, "-m", "neilats", *args],
        capture_output=True,
        text=True,
        env=clean | (env or {}),
        timeout=timeout,
    )
