"""An API server in memory: answers by path, pages, and refusals."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

from extender.cluster.api import ApiError


class FakeApi:
    """`lists` are objects by the path of their list, `texts` bodies by path; `refused` paths answer 403.

    A path that nobody knows is an empty list. `asked` holds every path; `page` is the size of pages.
    """

    def __init__(self, **lists: list[dict[str, Any]]) -> None:
        self.lists: dict[str, list[dict[str, Any]]] = dict(lists)
        self.texts: dict[str, list[str]] = {"/version": ['{"gitVersion":"v1.36.3"}']}
        self.errors: dict[str, ApiError] = {}
        self.delays: dict[str, Callable[[], Awaitable[None]]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.page = 500

    def refuse(self, *parts: str) -> None:
        """Answer 403 to every path that contains one of these."""
        for part in parts:
            self.errors[part] = ApiError.of_status(403, "forbidden")

    async def get(self, path: str, params: Mapping[str, str]) -> bytes:
        self.asked.append((path, dict(params)))
        for part, delay in self.delays.items():
            if part in path:
                await delay()
        for part, error in self.errors.items():
            if part in path:
                raise error
        if found := self.texts.get(path):
            return (found.pop(0) if len(found) > 1 else found[0]).encode()
        if path.endswith("/metrics"):
            raise ApiError.of_status(503, "error trying to reach service")
        return self._list(path, params)

    def _list(self, path: str, params: Mapping[str, str]) -> bytes:
        objects = self.lists.get(path, [])
        if selector := params.get("labelSelector"):
            key, _, value = selector.partition("=")
            objects = [o for o in objects if o["metadata"].get("labels", {}).get(key) == value]
        begin = int(params.get("continue", 0))
        end = begin + min(self.page, int(params["limit"]))
        meta = {"continue": str(end)} if end < len(objects) else {}
        return json.dumps({"metadata": meta, "items": objects[begin:end] or None}).encode()

    def lines(
        self, path: str, params: Mapping[str, str], silence_s: float, opened: Callable[[], None]
    ) -> AsyncGenerator[bytes, None]:
        raise NotImplementedError

    async def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        raise AssertionError("the doctor writes nothing")

    async def put(self, path: str, body: Mapping[str, Any]) -> bytes:
        raise AssertionError("the doctor writes nothing")

    async def patch(self, path: str, body: Mapping[str, Any]) -> None:
        raise AssertionError("the doctor writes nothing")

    async def close(self) -> None:
        pass
