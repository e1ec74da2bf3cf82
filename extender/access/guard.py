"""The guard before the calls of the cluster listener: no caller gets past it without one of three proofs."""

from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final

from aiohttp import web

from extender.access.bearer import bearer_token
from extender.access.caller import caller_of
from extender.access.rights import AccessReviewer
from extender.access.tokens import TokenReviewer
from extender.http import Handler
from extender.networks import Networks, read_address

__all__ = ["Callers", "guard"]

ADVICE: Final = "`kubectl create token ACCOUNT --audience {}` makes one"

Check = Callable[[web.Request], Awaitable[None]]


class Callers:
    """Admits a trusted address, a client certificate that the listener verified, or a token with the right to call."""

    def __init__(self, trusted: Networks, audience: str, tokens: TokenReviewer, rights: AccessReviewer) -> None:
        self._trusted, self._tokens, self._rights = trusted, tokens, rights
        self._advice = ADVICE.format(audience)

    async def check(self, request: web.Request) -> None:
        """Raise Unauthenticated, Refused or NotReady unless the request may be answered; its body is not touched."""
        caller = caller_of(request)
        if read_address(caller.address) in self._trusted or _certified(request):
            return
        who = await self._tokens.identity(bearer_token(caller.authorizations, self._advice), caller.address)
        verb = "get" if request.method == "HEAD" else request.method.lower()  # RBAC's verbs; HEAD shows no more
        await self._rights.check(who, verb, request.path)


def guard(check: Check, open_routes: Collection[str]) -> Any:
    """A middleware: `check` goes before every call but those of `open_routes`.

    A path that does not exist is guarded as well: nobody learns from outside which ones do.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        if resource is None or resource.canonical not in open_routes:
            await check(request)
        return await handler(request)

    return middleware


def _certified(request: web.Request) -> bool:
    """Whether TLS verified a client certificate; one that does not hold ended the handshake."""
    return request.transport is not None and bool(request.transport.get_extra_info("peercert"))
