"""Token and access reviews, and pods, as an API server answers them."""

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import Any

from extender.cluster.api import ApiError

PROBER = "system:serviceaccount:neilats:neilats-prober"
EXTRA = "authentication.kubernetes.io/"


def jwt(**claims: Any) -> str:
    """A token of three parts with these claims, signed by nobody."""
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{payload}.c2ln"


def on_node(node: str) -> dict[str, list[str]]:
    """The extra values of a token of a pod on a node (Kubernetes >= 1.30)."""
    return {f"{EXTRA}node-name": [node]}


def of_pod(name: str, uid: str = "uid-1") -> dict[str, list[str]]:
    """The extra values of a token of a pod, before 1.30."""
    return {f"{EXTRA}pod-name": [name], f"{EXTRA}pod-uid": [uid]}


class FakeReviews:
    """`tokens` and `rights` say what is so; `asked` what was asked; `failure` and `gate` make answers fail or wait."""

    def __init__(self) -> None:
        self.tokens: dict[str, dict[str, Any]] = {}
        self.rights: set[tuple[str, str, str]] = set()
        self.pods: dict[str, dict[str, Any]] = {}
        self.asked: list[Any] = []
        self.failure: Exception | None = None
        self.raw: bytes | None = None
        self.gate: asyncio.Event | None = None

    def knows(self, token: str, user: str = PROBER, **changes: Any) -> str:
        """Let a token be a user's; keyword arguments change the review's status."""
        extra = changes.pop("extra", {})
        status = {"authenticated": True, "user": {"username": user, "groups": ["g"], "uid": "u", "extra": extra}}
        self.tokens[token] = {**status, "audiences": ["neilats"], **changes}
        return token

    def allows(self, user: str, verb: str, path: str) -> None:
        """Give a user the right to call a path."""
        self.rights.add((user, verb, path))

    async def get(self, path: str, params: Mapping[str, str]) -> bytes:
        self.asked.append(path)
        await self._trouble()
        if self.raw is not None:
            return self.raw
        if path not in self.pods:
            raise ApiError.of_status(404, "not found")
        return json.dumps(self.pods[path]).encode()

    async def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        self.asked.append(body)
        await self._trouble()
        if self.raw is not None:
            return self.raw
        spec = body["spec"]
        if body["kind"] == "TokenReview":
            assert path == "/apis/authentication.k8s.io/v1/tokenreviews"
            unknown = {"user": {}, "error": "[invalid bearer token]"}
            return json.dumps({"spec": spec, "status": self.tokens.get(spec["token"], unknown)}).encode()
        assert path == "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        asked = (spec["user"], spec["nonResourceAttributes"]["verb"], spec["nonResourceAttributes"]["path"])
        return json.dumps({"status": {"allowed": asked in self.rights}}).encode()

    async def _trouble(self) -> None:
        if self.gate:
            await self.gate.wait()
        if self.failure:
            raise self.failure

    # The rest of `Api`, which reviews do not use.

    def lines(self, *args: Any) -> Any:
        raise NotImplementedError

    async def put(self, path: str, body: Mapping[str, Any]) -> bytes:
        raise NotImplementedError

    async def patch(self, path: str, body: Mapping[str, Any]) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        pass
