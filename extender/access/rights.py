"""What a caller may do, by SubjectAccessReview."""

import hashlib
from collections.abc import Callable
from typing import Any, Final

import msgspec

from extender.access.budget import Budget
from extender.access.identity import Identity
from extender.access.memory import Answer
from extender.access.reviews import SPARE_S, Reviews
from extender.cluster.api import Api, decoded
from extender.errors import Refused

__all__ = ["AccessReviewer"]

PATH: Final = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
ALLOWED_S: Final = 60.0
DENIED_S: Final = 10.0
MOST: Final = (4096, 4096)


class _Status(msgspec.Struct):
    allowed: bool


class _Review(msgspec.Struct):
    status: _Status


_review = msgspec.json.Decoder(_Review).decode


class AccessReviewer:
    """Asks the API server whether users may call paths. `clock` gives monotonic seconds."""

    def __init__(self, api: Api, budget: Budget, clock: Callable[[], float], counted: Callable[[str], None]) -> None:
        self._api, self._clock = api, clock
        self._reviews: Reviews[bool] = Reviews("access review", ("allowed", "denied"), budget, clock, counted, MOST)

    async def check(self, who: Identity, verb: str, path: str) -> None:
        """Raise Refused unless this user may; NotReady where that cannot be known now."""
        spec = {
            "user": who.username,
            "uid": who.uid,
            "groups": list(who.groups),
            "extra": {name: list(values) for name, values in who.extra.items()},
            "nonResourceAttributes": {"path": path, "verb": verb},
        }
        key = hashlib.sha256(msgspec.json.encode(spec, order="sorted")).digest()
        if not await self._reviews.of(key, who.username, lambda: self._ask(spec)):
            raise Refused(
                f"user {who.username} may not {verb} {path}: bind it to a ClusterRole whose rules have "
                f"nonResourceURLs: [{path!r}] and verbs: [{verb}], such as the chart's viewer"
            )

    async def _ask(self, spec: Any) -> Answer[bool]:
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        allowed = decoded(_review, await self._api.post(PATH, body)).status.allowed
        now = self._clock()
        if not allowed:
            return Answer(False, False, now + DENIED_S, now + DENIED_S)
        return Answer(True, True, now + ALLOWED_S, now + ALLOWED_S + SPARE_S)
