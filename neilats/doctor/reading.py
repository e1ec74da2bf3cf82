"""Reads lists from the API server: in pages, decoded, and what may not be read is remembered instead of ending all."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar
from urllib.parse import quote

import msgspec

from extender.cluster.api import Api, ApiError
from neilats.doctor.facts import Source
from neilats.doctor.objects import Page

__all__ = ["DoctorError", "Reader", "path_of"]

T = TypeVar("T")

_PAGE: Final = 500
_MAX_PAGES: Final = 400  # 200,000 objects, more than Kubernetes is made for
_UNREACHABLE: Final = ("disconnected", "silent")


class DoctorError(Exception):
    """The API server cannot be asked at all; the message is one line."""


def path_of(group: str, resource: str, namespace: str = "") -> str:
    """The path of a list, such as ("apps/v1", "deployments"), of a namespace or of the whole cluster."""
    root = f"/api/{group}" if "/" not in group else f"/apis/{group}"
    return f"{root}/namespaces/{quote(namespace, safe='')}/{resource}" if namespace else f"{root}/{resource}"


class Reader:
    """`unread` says for each source that could not be read what it needs, or what was wrong."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.unread: dict[Source, str] = {}
        self.notes: list[str] = []

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> bytes:
        """A body; raises ApiError, and DoctorError where asking on is no use."""
        try:
            return await self._api.get(path, params or {})
        except ApiError as e:
            if e.reason in _UNREACHABLE:
                raise DoctorError(f"cannot reach the API server: {e}; does `kubectl version` reach it?") from e
            if e.status == 401:
                remedy = "log in again, or name another file with --kubeconfig"
                raise DoctorError(f"the API server does not accept these credentials: {e}; {remedy}") from e
            raise

    async def read(self, source: Source, needs: str, work: Callable[[], Awaitable[T]], default: T) -> T:
        """What the work returns, or the default after noting why the source is unread."""
        try:
            return await work()
        except ApiError as e:
            self.unread[source] = needs if e.status == 403 else f"{needs}; the API server says: {e}"
            return default

    async def items(self, kind: type[T], path: str, selector: str = "") -> list[T]:
        """All objects of a list; raises ApiError."""
        found: list[T] = []
        params = {"limit": str(_PAGE)} | ({"labelSelector": selector} if selector else {})
        for _ in range(_MAX_PAGES):
            try:
                page = msgspec.json.decode(await self.get(path, params), type=Page)
                found += [msgspec.json.decode(raw, type=kind) for raw in page.items or ()]
            except msgspec.DecodeError as e:
                raise ApiError("broken", f"{path}: {e}") from e
            if not page.metadata.next_page:
                return found
            params["continue"] = page.metadata.next_page
        self.notes.append(f"only the first {len(found)} objects of {path} were read")
        return found

    async def anywhere(
        self, kind: type[T], group: str, resource: str, namespaces: Sequence[str], selector: str = ""
    ) -> tuple[list[T], bool]:
        """The objects of the whole cluster and True; where that is not allowed, those of some namespaces and False."""
        try:
            return await self.items(kind, path_of(group, resource), selector), True
        except ApiError as e:
            if e.status != 403:
                raise
        found: list[T] = []
        for namespace in dict.fromkeys(namespaces):
            found += await self.items(kind, path_of(group, resource, namespace), selector)
        return found, False
