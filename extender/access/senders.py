"""Who sends a report, where a token must prove it."""

from collections.abc import Collection
from typing import Final

from extender.access.bearer import bearer_token
from extender.access.caller import Caller
from extender.access.nodes import NodeFinder
from extender.access.tokens import TokenReviewer
from extender.errors import Refused
from extender.owners import Sender
from extender.quoting import first_few

__all__ = ["TokenSenders", "by_address"]

ADVICE: Final = "set the prober's token_file to a projected service account token for the audience {}"


async def by_address(caller: Caller) -> Sender:
    """Only where the report comes from."""
    return Sender(caller.address)


class TokenSenders:
    """Reads a report's sender from its token; only `reporters` (user names) may report."""

    def __init__(self, tokens: TokenReviewer, nodes: NodeFinder, reporters: Collection[str], audience: str) -> None:
        self._tokens, self._nodes, self._reporters = tokens, nodes, tuple(reporters)
        self._advice = ADVICE.format(audience)

    async def sender(self, caller: Caller) -> Sender:
        """The sender with its node; raises Unauthenticated, Refused or NotReady."""
        who = await self._tokens.identity(bearer_token(caller.authorizations, self._advice), caller.address)
        if who.username not in self._reporters:
            known = ", ".join(first_few(self._reporters))
            raise Refused(f"user {who.username} may not report; `reporters` has {known}")
        return Sender(caller.address, await self._nodes.node_of(who))
