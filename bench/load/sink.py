"""`python -m bench.load.sink [CERT KEY]`: reads and acknowledges reports and does nothing else with them.

The yardstick of ingest: the same framework, event loop and bodies, without any of our work. Prints its address.
"""

import asyncio
import ssl
import sys
from collections.abc import Sequence
from typing import Any

from aiohttp import web

__all__ = ["main"]

REPLY = b'{"resync":false,"interval_ms":10000,"targets":[]}'


def main(argv: Sequence[str] = tuple(sys.argv[1:])) -> None:
    """Serve until killed."""
    tls = None
    if argv:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(argv[0], argv[1])
    factory: Any = None
    try:
        import uvloop

        factory = uvloop.new_event_loop
    except ImportError:
        pass
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve(tls))


async def _serve(tls: ssl.SSLContext | None) -> None:
    app = web.Application(client_max_size=1 << 26)
    app.add_routes([web.post("/v1/report", _report)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls, backlog=4096).start()
    host, port = runner.addresses[0][:2]
    print(f"sink={host}:{port}", flush=True)  # noqa: T201
    await asyncio.Event().wait()


async def _report(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=REPLY, content_type="application/json")


if __name__ == "__main__":
    main()
