"""Webhook calls with real scores against an aiohttp handler that only echoes the names: what deciding costs.

The yardstick is a server of the same kind in the same process: the ratio shows our work and not the framework's.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
from aiohttp import web

from bench.timing import Row
from extender.app import build
from extender.cluster.static import StaticCluster
from extender.owners import Sender
from neilats.settings import ExtenderSettings
from prober.wire import Report, Run

__all__ = ["rows"]

CALLS = 60
SIZES = (500, 5000)
DEADLINE_MS = ExtenderSettings().deadline_ms
"""A later answer would be a neutral one."""


def rows() -> Iterator[Row]:
    """Prioritize in names mode, warm, with real scores."""
    for size in SIZES:
        ours, echo = asyncio.run(_measure(size))
        yield Row(
            f"prioritize, {size:,} names", ours, "aiohttp echo", echo, f"<= {DEADLINE_MS:g} ms", ours <= DEADLINE_MS
        )


async def _measure(size: int) -> tuple[float, float]:
    names = [f"node-{i}" for i in range(size)]
    extender = build(ExtenderSettings(), StaticCluster((n, "") for n in names))
    samples: dict[str, Any] = {n: Run(0, 10000, [1.0 + i % 40] * 64) for i, n in enumerate(names[1:])}
    extender.ingest.apply(Report("node-0", "b", 1, 10000, samples), Sender("127.0.0.1"))
    extender.apps.webhooks.add_routes([web.post("/echo", _echo)])
    runner = web.AppRunner(extender.apps.webhooks)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    annotations = {"neilats.io/peer-nodes": "node-0", "neilats.io/max-rtt-ms": "20"}
    pod = {"metadata": {"name": "p", "namespace": "n", "uid": "u", "annotations": annotations}}
    body = json.dumps({"Pod": pod, "Nodes": None, "NodeNames": names}).encode()
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(f"http://{host}:{port}", headers=headers) as session:
        times: dict[str, list[float]] = {"/scheduler/prioritize": [], "/echo": []}
        for _ in range(CALLS):
            for path, found in times.items():
                began = time.perf_counter()
                async with session.post(path, data=body) as reply:
                    await reply.read()
                found.append((time.perf_counter() - began) * 1000)
    await runner.cleanup()
    extender.worker.close()
    ours, echo = (statistics.median(t[5:]) for t in times.values())
    return ours, echo


async def _echo(request: web.Request) -> web.Response:
    args = json.loads(await request.read())
    answer = [{"Host": n, "Score": 0} for n in args["NodeNames"]]
    return web.Response(body=json.dumps(answer).encode(), content_type="application/json")
