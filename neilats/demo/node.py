"""One node of the demo as a process: a real prober whose UDP echo answers as late as the trace says.

`python -m neilats.demo.node NAME EXTENDER_URL`; orders come as JSON lines on standard input. When that ends, the demo
is gone, and so is the node.
"""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

from neilats.demo.plan import ADDRESSES, INTERVAL_S
from neilats.demo.trace import Trace
from neilats.log import get_logger, setup_logging
from neilats.settings import ProberSettings
from prober.service import run

__all__ = ["Links", "main", "settings_of"]

log = get_logger("demo.node")


class Links:
    """How late this node answers each other one. The trace stands still until `play`."""

    def __init__(self, own: str, trace: Trace) -> None:
        self._own, self._trace = own, trace
        self._names = {address: name for name, address in ADDRESSES.items()}
        self._began: float | None = None
        self._extra_ms: dict[str, float] = {}

    def order(self, order: Mapping[str, Any]) -> None:
        """Do what the demo says: `{"play": MONOTONIC}` or `{"slow": NODE, "extra_ms": MS}`."""
        if "play" in order:
            self._began = float(order["play"])
        if "slow" in order:
            self._extra_ms[str(order["slow"])] = float(order["extra_ms"])

    def delay_s(self, address: str) -> float:
        """Seconds by which an answer to this address is held back: the round trip that it shall measure to here."""
        asking = self._names.get(address)
        if asking is None:
            return 0.0
        played_s = 0.0 if self._began is None else time.monotonic() - self._began
        base_ms = self._trace.rtt_ms(asking, self._own, int(max(0.0, played_s) / INTERVAL_S))
        return (base_ms + self._extra_ms.get(asking, 0.0)) / 1000


def settings_of(name: str, extender_url: str) -> ProberSettings:
    """A prober that is quick enough for a demo, and patient enough for a busy machine."""
    address = ADDRESSES[name]
    return ProberSettings(
        node_name=name,
        extender_urls=(extender_url,),
        bind=(address,),
        advertise=(address,),
        probe_mode="udp",
        udp_port=0,
        metrics_listen=f"{address}:0",
        interval_s=INTERVAL_S,
        burst_count=4,
        burst_interval_s=INTERVAL_S / 2,
        report_interval_s=INTERVAL_S / 2,
        control_limit_ms=25.0,
        lag_limit_ms=250.0,
    )


async def _obey(links: Links, stop: asyncio.Event) -> None:
    """Follow the orders until there are no more."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        links.order(json.loads(line))
        log.info("order", extra={"order": line.decode().strip()})
    stop.set()


async def _live(name: str, extender_url: str) -> None:
    stop, links = asyncio.Event(), Links(name, Trace.bundled())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    obeying = asyncio.create_task(_obey(links, stop), name="orders")
    try:
        await run(settings_of(name, extender_url), env={}, delay=links.delay_s, stop=stop)
    finally:
        obeying.cancel()


def main(name: str, extender_url: str) -> int:
    """Run a node until the demo ends it."""
    setup_logging("info", "kv")
    try:
        asyncio.run(_live(name, extender_url))
    except Exception:
        log.exception("the node failed", extra={"node": name})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
