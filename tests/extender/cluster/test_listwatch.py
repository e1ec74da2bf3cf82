"""Listing and watching through everything that an API server and a network do to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import web

from extender.cluster.api import ApiError, Reason, split_lines
from extender.cluster.kube import KubeApi
from extender.cluster.listwatch import ListWatch, Timing
from tests.extender.cluster.fake_api import PODS, FakeApi, pod, until

NO_UTF8 = b'{"type": "ADDED", "object": {"metadata": {"resourceVersion": "\xff"}}}\n'
DEEP = b'{"type": "ADDED", "object": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
QUICK = Timing(watch_s=20, silence_s=20, pause_s=0.02, longest_pause_s=0.1, settled_s=0.01)


class Names:
    """A table of names that refuses objects called `bad` and breaks on those called `bomb`."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.begun = 0
        self.repeat = 0  # the list that is not enough

    def put(self, raw: Mapping[str, Any]) -> str:
        name: str = raw["metadata"]["name"]
        if name == "bad":
            raise ValueError("bad object")
        if name == "bomb":
            raise RuntimeError("a bug")
        self.names.add(name)
        return name

    def drop(self, raw: Mapping[str, Any]) -> None:
        self.names.discard(raw["metadata"]["name"])

    def begin(self) -> None:
        self.begun += 1

    def retain(self, keys: set[str]) -> bool:
        self.names &= keys
        return self.begun != self.repeat


class Running:
    """A running ListWatch of the pods, its table and the interruptions it has told of."""

    def __init__(self, api: KubeApi, timing: Timing) -> None:
        self.restarts: list[Reason] = []
        self.table = Names()
        self.watch = ListWatch(api, PODS, self.table, on_restart=self.restarts.append, timing=timing)

    async def names(self, *names: str) -> None:
        """Wait until exactly these are known."""
        await until(lambda: self.table.names == set(names))


@asynccontextmanager
async def running(api: KubeApi, timing: Timing = QUICK) -> AsyncIterator[Running]:
    run = Running(api, timing)
    task = asyncio.create_task(run.watch.run())
    try:
        yield run
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def watching(fake: FakeApi, api: KubeApi, timing: Timing = QUICK) -> AsyncIterator[Running]:
    """A ListWatch that has listed `a` and watches."""
    await fake.put(PODS, pod("a"))
    async with running(api, timing) as run:
        await run.watch.synced.wait()
        await until(lambda: fake.watching(PODS) == 1)
        yield run


async def test_the_list_comes_page_by_page(fake: FakeApi, api: KubeApi) -> None:
    fake.page_size = 2
    await fake.put(PODS, *(pod(n) for n in "abcde"))
    async with running(api) as run:
        await run.names(*"abcde")
        await run.watch.synced.wait()
    pages = [q for _, q in fake.asked if "watch" not in q]
    assert [q.get("continue") for q in pages] == [None, "2", "4"]
    assert {q["limit"] for q in pages} == {"500"}


async def test_a_list_that_is_not_enough_is_followed_by_another(fake: FakeApi, api: KubeApi) -> None:
    async with running(api) as run:
        run.table.repeat = 1
        await until(lambda: fake.watching(PODS) == 1)
    assert (fake.lists(PODS), run.table.begun, run.restarts) == (2, 2, [])


async def test_an_empty_list_is_synced_too(fake: FakeApi, api: KubeApi) -> None:
    async with running(api) as run:
        await run.watch.synced.wait()


async def test_changes_arrive_as_they_happen(fake: FakeApi, api: KubeApi) -> None:
    async with watching(fake, api) as run:
        await fake.put(PODS, pod("b"))
        await run.names("a", "b")
        await fake.delete(PODS, "a")
        await run.names("b")
    assert run.restarts == []
    query = next(q for _, q in fake.asked if "watch" in q)
    assert query["allowWatchBookmarks"] == "true"
    assert 16 <= float(query["timeoutSeconds"]) <= 24


async def test_a_watch_that_ends_is_taken_up_where_it_was_without_a_restart(fake: FakeApi, api: KubeApi) -> None:
    async with watching(fake, api, Timing(watch_s=1, settled_s=0.5)) as run:
        await fake.put(PODS, pod("b"))
        await until(lambda: len(fake.watched_from(PODS)) == 2)
        await fake.put(PODS, pod("c"))
        await run.names("a", "b", "c")
    assert fake.watched_from(PODS) == ["101", "102"]
    assert (fake.lists(PODS), run.restarts) == (1, [])


async def test_a_bookmark_moves_the_version_on(fake: FakeApi, api: KubeApi) -> None:
    async with watching(fake, api):
        await fake.bookmark(PODS)
        await asyncio.sleep(0.05)
        fake.cut(PODS)
        await until(lambda: len(fake.watched_from(PODS)) == 2)
    assert fake.watched_from(PODS) == ["101", "102"]


async def test_a_cut_connection_loses_nothing(fake: FakeApi, api: KubeApi) -> None:
    async with watching(fake, api) as run:
        fake.cut(PODS)
        await fake.put(PODS, pod("b"))
        await run.names("a", "b")
    assert (fake.lists(PODS), run.restarts) == (1, ["disconnected"])


async def test_a_problem_ends_with_a_plain_reconnect(fake: FakeApi, api: KubeApi) -> None:
    async with watching(fake, api) as run:
        fake.cut(PODS)
        await until(lambda: run.watch.problem != "")
        await until(lambda: run.watch.problem == "")
    assert (fake.lists(PODS), run.table.begun, run.restarts) == (1, 1, ["disconnected"])


async def test_a_silent_connection_is_given_up(fake: FakeApi, api: KubeApi) -> None:
    async with watching(fake, api, Timing(silence_s=0.2, pause_s=0.02)) as run:
        await until(lambda: len(fake.watched_from(PODS)) >= 2)
    assert run.restarts[0] == "silent"
    assert fake.lists(PODS) == 1


@pytest.mark.parametrize("code", [410, 500])
async def test_an_error_event_lists_again_and_forgets_what_vanished(fake: FakeApi, api: KubeApi, code: int) -> None:
    async with watching(fake, api) as run:
        await fake.put(PODS, pod("b"), quiet=True)
        await fake.delete(PODS, "a", quiet=True)
        await fake.error(PODS, code)
        await run.names("b")
    assert run.restarts == ["gone" if code == 410 else "refused"]


async def test_a_410_in_place_of_a_watch_lists_again(fake: FakeApi, api: KubeApi) -> None:
    async with watching(fake, api) as run:
        await fake.put(PODS, pod("b"), quiet=True)
        fake.cut(PODS)
        await run.names("a", "b")
    assert run.restarts == ["disconnected", "gone"]
    assert fake.lists(PODS) == 2


async def test_a_410_between_pages_asks_for_all_at_once(fake: FakeApi, api: KubeApi) -> None:
    fake.page_size = 2
    await fake.put(PODS, *(pod(n) for n in "abc"))
    first = web.json_response({"metadata": {"continue": "2"}, "items": [pod("gone")]})
    fake.answers[PODS] = [lambda: first]
    fake.fail_next(PODS, 410)
    fake.page_size = 500
    async with running(api) as run:
        await run.names("a", "b", "c")
        await until(lambda: fake.watching(PODS) == 1)
    assert [q.get("limit") for _, q in fake.asked if "watch" not in q] == ["500", "500", None]


async def test_a_busy_server_is_asked_again_without_a_new_list(fake: FakeApi, api: KubeApi) -> None:
    async with watching(fake, api) as run:
        fake.fail_next(PODS, 429)
        fake.fail_next(PODS, 503)
        fake.cut(PODS)
        await fake.put(PODS, pod("b"))
        await run.names("a", "b")
    assert (fake.lists(PODS), run.restarts) == (1, ["disconnected", "refused", "refused"])


async def test_what_is_refused_is_said_and_tried_again(fake: FakeApi, api: KubeApi) -> None:
    fake.fail_next(PODS, 403, times=3, message="pods is forbidden")
    async with running(api) as run:
        await until(lambda: run.watch.problem == "403 pods is forbidden")
        await run.watch.synced.wait()
        assert run.watch.problem == ""
    assert run.restarts == ["refused"] * 3


async def test_an_event_may_come_in_pieces_and_be_large(fake: FakeApi, api: KubeApi) -> None:
    async with watching(fake, api) as run:
        large = pod("large")
        large["metadata"]["annotations"] = {"blob": "x" * 6_000_000}
        text = json.dumps({"type": "ADDED", "object": large}) + "\n" + json.dumps({"type": "ADDED", "object": pod("b")})
        body = text.encode()
        await fake.send(PODS, body[:10], body[10:5_000_000], body[5_000_000:-7], body[-7:], b"\n")
        await run.names("a", "large", "b")
    assert run.restarts == []


@pytest.mark.parametrize("line", [b"no json\n", b'{"type": 5}\n', b"[]\n", b"\xff\n", NO_UTF8, DEEP])
async def test_a_line_that_is_no_event_starts_over(fake: FakeApi, api: KubeApi, line: bytes) -> None:
    async with watching(fake, api) as run:
        await fake.send(PODS, line)
        await until(lambda: fake.lists(PODS) == 2)
    assert run.restarts == ["broken"]


async def test_an_unreadable_object_is_skipped(fake: FakeApi, api: KubeApi) -> None:
    async with watching(fake, api) as run:
        await fake.put(PODS, pod("bad"), pod("b"))
        await run.names("a", "b")
    assert run.restarts == []


async def test_a_bug_in_a_table_does_not_end_the_watch(fake: FakeApi, api: KubeApi) -> None:
    async with watching(fake, api) as run:
        await fake.put(PODS, pod("bomb"))
        await until(lambda: run.restarts == ["broken"])
        await fake.delete(PODS, "bomb", quiet=True)
        await fake.put(PODS, pod("b"))
        await run.names("a", "b")


async def test_a_server_that_is_not_there_is_waited_for(fake: FakeApi, api: KubeApi) -> None:
    port = fake.server.port
    await fake.server.close()
    async with running(api) as run:
        await until(lambda: len(run.restarts) >= 2)
        assert set(run.restarts) == {"disconnected"}
        back = FakeApi()
        await back.put(PODS, pod("b"))
        back.server.port = port
        await back.server.start_server()
        await run.names("b")
    await back.server.close()


def test_pauses_double_up_to_a_limit_and_are_jittered() -> None:
    timing = Timing(pause_s=1, longest_pause_s=8)
    for failures, limit in ((1, 1), (2, 2), (3, 4), (4, 8), (5, 8), (10_000, 8)):
        assert limit / 2 <= timing.pause_after(failures) <= limit
    assert len({timing.pause_after(1) for _ in range(10)}) > 1


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_lines_do_not_depend_on_where_the_chunks_are_cut() -> None:
    text = b"one\ntwo\n\nthree\nunfinished"
    for cut in range(len(text)):
        found = [line async for line in split_lines(chunks(text[:cut], text[cut:]))]
        assert found == [b"one", b"two", b"three"]


async def test_an_endless_line_is_refused() -> None:
    with pytest.raises(ApiError, match="longer than"):
        [_ async for _ in split_lines(chunks(*[b"x" * 2**23] * 9))]
