"""`python -m bench.load LOAD`, with a `Load` as JSON: prints `ready` once every prober was answered, and at the end of
standard input what was seen, as JSON. It has a process of its own, so that its work is not the extender's."""

import asyncio
import gc
import sys

import msgspec

from bench.load.fleet import Fleet, Load
from bench.objects import node_names

__all__ = ["main"]


def main() -> None:
    """Run a load until standard input ends."""
    load = msgspec.json.decode(sys.argv[1], type=Load)
    try:
        import uvloop

        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    except ImportError:
        runner = asyncio.Runner()
    with runner:
        runner.run(_run(load))


async def _run(load: Load) -> None:
    fleet = Fleet(load, node_names(load.nodes))
    fleet.start()
    gc.freeze()  # or each full collection would stop all probers at once
    stdin = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    ended = asyncio.create_task(stdin.read())
    ready = asyncio.create_task(fleet.ready.wait())
    await asyncio.wait([ended, ready], return_when=asyncio.FIRST_COMPLETED)
    if ready.done():
        print("ready", flush=True)  # noqa: T201
    await ended
    ready.cancel()
    print(msgspec.json.encode(await fleet.stop()).decode(), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
