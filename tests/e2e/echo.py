"""Measures one address with the prober's own sockets: `python -m tests.e2e.echo MODE ADDRESS COUNT GAP_S` prints JSON.

Run inside a node's network, beside `ping`.
"""

import json
import random
import sys
import time
from typing import Final

from prober.ping import Echo, Sent, open_pinger

SOON_S: Final = 0.005
"""When a reply is read: right after it came, as `ping` does, and not just before the next probe."""


def rtts_ms(mode: str, address: str, count: int, gap_s: float) -> list[float]:
    """RTTs in ms of the probes that were answered, by the kernel's receive stamps."""
    pinger = open_pinger(mode, bind=(), udp_port=0)
    sent: dict[int, Sent] = {}
    found: list[float] = []

    def take(echo: Echo) -> None:
        if echo.source == address and echo.number in sent:
            found.append((echo.received_ns - sent.pop(echo.number).wall_ns) / 1e6)

    pinger.start(take)
    there = pinger.destination(address)
    try:
        for number in range(1, count + 1):
            sent[number] = pinger.send(number, there)
            time.sleep(SOON_S)
            pinger.drain()
            # Random gaps: of two programs in step, the one that sends second finds everything warmed up by the first.
            time.sleep(gap_s * random.uniform(0.5, 1.5) - SOON_S)
        pinger.drain()
        return found
    finally:
        pinger.close()


if __name__ == "__main__":
    mode, address, count, gap_s = sys.argv[1:]
    sys.stdout.write(json.dumps({"mode": mode, "rtt_ms": rtts_ms(mode, address, int(count), float(gap_s))}))
