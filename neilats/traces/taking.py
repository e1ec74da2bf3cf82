"""Takes a recording from a running extender: its blocks, as they come, into segments of a folder."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from extender.recording import BlockReader
from extender.segments import SegmentWriter
from neilats.commands.access import NOTHING, Access
from neilats.commands.client import failed
from neilats.commands.errors import GarbledError, RefusedError

__all__ = ["Taken", "take"]

RETRY_S: Final = 2.0
TIMEOUT: Final = aiohttp.ClientTimeout(total=None, connect=4, sock_read=60)
"""The extender sends something at least every 15 s."""


@dataclass
class Taken:
    """What was recorded so far."""

    samples: int = 0
    bytes: int = 0
    breaks: int = 0
    """How often the connection was lost."""
    nodes: set[str] = field(default_factory=set)


async def take(
    url: str, folder: Path, most_bytes: int, taken: Taken, heard: Callable[[], None], access: Access = NOTHING
) -> None:
    """Record until cancelled; a connection that breaks is made again.

    Raises ClientError if the extender cannot be reached at first or refuses, OSError if the folder cannot be written.
    """
    tls = access.tls() or True
    writer = SegmentWriter(folder, most_bytes, time.time)
    connected = False
    try:
        async with aiohttp.ClientSession(timeout=TIMEOUT, headers=access.headers) as session:
            while True:
                try:
                    async with session.get(url + "/v1/recording", ssl=tls) as response:
                        await _check(response)
                        connected = True
                        heard()
                        await _copy(response, writer, taken, heard)
                except (aiohttp.ClientError, TimeoutError) as e:
                    if not connected:
                        raise failed(e) from e
                taken.breaks += 1
                await asyncio.sleep(RETRY_S)
    finally:
        writer.close()


async def _check(response: aiohttp.ClientResponse) -> None:
    if response.status == 200 and response.content_type == "application/octet-stream":
        return
    try:
        message = str((await response.json())["error"])
    except (aiohttp.ClientError, ValueError, KeyError, TypeError):
        raise GarbledError(f"HTTP {response.status} without a recording") from None
    raise RefusedError(response.status, message)


async def _copy(
    response: aiohttp.ClientResponse, writer: SegmentWriter, taken: Taken, heard: Callable[[], None]
) -> None:
    """Write whole blocks only, so that segments are cut between them."""
    reader = BlockReader()
    async for piece in response.content.iter_any():
        for raw, block in reader.feed(piece):
            writer.write(raw)
            taken.samples += len(block.at_s)
            taken.bytes += len(raw)
            taken.nodes.update(block.nodes)
        heard()
