"""Who a token belongs to, by TokenReview."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from extender.access.bearer import token_end
from extender.access.budget import Budget
from extender.access.identity import Identity
from extender.access.memory import Answer
from extender.access.reviews import SPARE_S, Reviews
from extender.cluster.api import Api, decoded
from extender.errors import Unauthenticated
from extender.quoting import shortened

__all__ = ["TokenReviewer"]

PATH: Final = "/apis/authentication.k8s.io/v1/tokenreviews"

KNOWN_S: Final = 300.0
"""How long an accepted token is not asked for again; a deleted pod's token stops to work that much later."""

REJECTED_S: Final = 30.0
LONGEST_ERROR: Final = 200

MOST: Final = (20_000, 4096)
"""Accepted and rejected tokens that are remembered: two for each prober of a very large cluster, about 1 KB each."""


class _Status(msgspec.Struct):
    authenticated: bool = False
    user: Identity | None = None
    audiences: tuple[str, ...] = ()
    error: str = ""


class _Review(msgspec.Struct):
    status: _Status


_review = msgspec.json.Decoder(_Review).decode


class TokenReviewer:
    """Asks the API server about tokens for any of these audiences.

    `clock` gives monotonic seconds, `wall` seconds since 1970. Of a token only its hash is kept.
    """

    def __init__(
        self,
        api: Api,
        audiences: Sequence[str],
        budget: Budget,
        clock: Callable[[], float],
        wall: Callable[[], float],
        counted: Callable[[str], None],
    ) -> None:
        self._api, self._audiences, self._clock, self._wall = api, tuple(audiences), clock, wall
        self._reviews: Reviews[Identity | str] = Reviews(
            "token review", ("authenticated", "rejected"), budget, clock, counted, MOST
        )

    async def identity(self, token: str, address: str) -> Identity:
        """Whose token came from this address; raises Unauthenticated, or NotReady where that cannot be known now."""
        key = hashlib.sha256(token.encode()).digest()
        found = await self._reviews.of(key, address, lambda: self._ask(token))
        if isinstance(found, str):
            raise Unauthenticated(found)
        return found

    async def _ask(self, token: str) -> Answer[Identity | str]:
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token, "audiences": list(self._audiences)},
        }
        status = decoded(_review, await self._api.post(PATH, body)).status
        found, now = self._judged(status), self._clock()
        if isinstance(found, str):
            return Answer(found, False, now + REJECTED_S, now + REJECTED_S)
        end = now + token_end(token) - self._wall()
        return Answer(found, True, min(now + KNOWN_S, end), min(now + KNOWN_S + SPARE_S, end))

    def _judged(self, status: _Status) -> Identity | str:
        """The user of a reviewed token, or why it is not accepted."""
        wanted = " or ".join(self._audiences)
        if not status.authenticated or status.user is None or not status.user.username:
            why = f" ({shortened(status.error, LONGEST_ERROR)})" if status.error else ""
            return f"the API server rejects the token{why}: it must be valid, and made for the audience {wanted}"
        # An authenticator that knows nothing of audiences confirms none: its token may be meant for anybody.
        if not set(status.audiences) & set(self._audiences):
            return f"the token is not made for the audience {wanted}"
        return status.user
