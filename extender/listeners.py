"""Where the applications listen, and with which certificates."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from logging import Logger
from typing import Any, Final

from aiohttp import web

from extender.access.bearer import LONGEST
from extender.apps import Apps
from extender.badrequests import server_log
from extender.connections import IDLE_S, Connections, small_buffers
from extender.lane import Lane
from extender.metrics import Metrics
from extender.tls import Renewal, TlsFiles, renew_all
from neilats import parse
from neilats.settings import ExtenderSettings

__all__ = ["Listener", "Listeners"]

SHUTDOWN_S: Final = 2.0
"""How long open requests may take when a listener closes."""

HANDSHAKE_S: Final = 10.0
BACKLOG: Final = 1024
"""Connections that may wait to be accepted: the probers of a large cluster come back all at once."""

MAX_HEADER: Final = 2 * LONGEST  # bytes; a token that is too long gets an answer that says so


class Listener:
    """One application on one address, behind a lane if there is one; its TLS context can be changed while it serves."""

    def __init__(
        self,
        name: str,
        app: web.Application,
        endpoint: str,
        metrics: Metrics,
        tls: TlsFiles | None,
        log: Logger = server_log,
        lane: Lane[Any] | None = None,
    ) -> None:
        self.name, self._endpoint, self._lane = name, endpoint, lane
        self.connections = Connections(name)
        app.middlewares.insert(0, self.connections.heard)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=log,
            keepalive_timeout=IDLE_S,
            shutdown_timeout=SHUTDOWN_S,
            handle_signals=False,
            max_field_size=MAX_HEADER,
        )
        self.renewal = Renewal(name, tls, metrics, self.use) if tls else None
        self._servers: list[asyncio.Server] = []

    async def open(self) -> str:
        """Bind; returns the address that it really has (port 0 picks one). Raises OSError."""
        context = self.renewal.first() if self.renewal else None
        small_buffers()
        await self._runner.setup()
        host, port = parse.split_endpoint(self._endpoint)
        self._servers = [await self._serve(context, host=host, port=port)]
        bound = self._servers[0].sockets[0].getsockname()
        if host is None:
            return f":{bound[1]}"
        return f"{f'[{bound[0]}]' if ':' in bound[0] else bound[0]}:{bound[1]}"

    async def use(self, context: ssl.SSLContext) -> None:
        """Serve new connections with another context; those that are open go on as they are.

        The same sockets are served anew, so that nobody finds them closed. To change the context in the callback for
        server names would be less: a client could resume a session that began under a CA that is trusted no more.
        """
        before = self._servers
        sockets = [socket.dup() for server in before for socket in server.sockets]
        self._servers = [await self._serve(context, sock=socket) for socket in sockets]
        for server in before:
            server.close()

    async def _serve(self, context: ssl.SSLContext | None, **where: Any) -> asyncio.Server:
        limit = HANDSHAKE_S if context else None  # asyncio refuses one without TLS
        loop: Any = asyncio.get_running_loop()  # its overloads cannot be told apart here
        handlers: Any = self._runner.server
        if self._lane is not None:
            handlers = self._lane.before(handlers, self.connections.hear, IDLE_S)
        server: asyncio.Server = await loop.create_server(
            self.connections.guarded(handlers),
            **where,
            ssl=context,
            backlog=BACKLOG,
            ssl_handshake_timeout=limit,
        )
        return server

    async def close(self) -> None:
        """Listen no more, and let open requests end."""
        for server in self._servers:
            server.close()
        lane = self._lane.close(SHUTDOWN_S) if self._lane else asyncio.sleep(0)
        await asyncio.gather(self._runner.cleanup(), lane)


class Listeners:
    """The extender's listeners as the settings ask for them."""

    def __init__(self, settings: ExtenderSettings, apps: Apps, metrics: Metrics) -> None:
        webhooks_tls, api_tls = _tls(settings)
        self._all = [
            Listener("webhooks", apps.webhooks, settings.webhook_listen, metrics, webhooks_tls, lane=apps.calls),
            Listener("api", apps.api, settings.listen, metrics, api_tls, lane=apps.reports),
        ]
        if settings.metrics_listen:
            self._all.append(Listener("metrics", apps.metrics, settings.metrics_listen, metrics, None))
        if settings.legacy_listen:
            self._all.append(Listener("legacy", apps.legacy, settings.legacy_listen, metrics, None))

    async def open(self) -> Mapping[str, str]:
        """Bind all; returns the address of each by name. Raises OSError, and then some may be open."""
        return {listener.name: await listener.open() for listener in self._all}

    async def renew(self) -> None:
        """Take changed certificates into use, for ever."""
        await renew_all([listener.renewal for listener in self._all if listener.renewal])

    async def close(self) -> None:
        """Close all side by side, so that their time limits do not add up."""
        await asyncio.gather(*(listener.close() for listener in self._all))


def _tls(settings: ExtenderSettings) -> Sequence[TlsFiles | None]:
    """The certificates of the webhooks, whose callers must show one, and of the cluster's listener, where they may."""
    webhooks = api = None
    if settings.webhook_tls_cert:
        files = (settings.webhook_tls_cert, settings.webhook_tls_key, settings.webhook_client_ca)
        webhooks = TlsFiles(*files, client_required=True)
    if settings.tls_cert:
        api = TlsFiles(settings.tls_cert, settings.tls_key, settings.client_ca)
    return webhooks, api
