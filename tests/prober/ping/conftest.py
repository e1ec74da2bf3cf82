"""Real pingers on the loopback."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from prober.ping import Destination, Echo, Pinger, Sent, round_trip

Exchange = Callable[[Pinger, Destination, int], Awaitable[list[tuple[Echo, int, str | None]]]]


async def _exchange(pinger: Pinger, to: Destination, count: int) -> list[tuple[Echo, int, str | None]]:
    sent: dict[int, Sent] = {}
    found: list[tuple[Echo, int, str | None]] = []
    pinger.start(lambda e: found.append((e, *round_trip(sent[e.number], e))))
    for number in range(65_530, 65_530 + count):  # over the sequence's 16 bits
        sent[number] = pinger.send(number, to)
        await asyncio.sleep(0.002)
    deadline = asyncio.get_running_loop().time() + 2
    while len(found) < count and asyncio.get_running_loop().time() < deadline:
        pinger.drain()
        await asyncio.sleep(0.005)
    return found


@pytest.fixture
def exchange() -> Exchange:
    """Send `count` probes and give the replies with their round trips (ns) and doubts."""
    return _exchange
