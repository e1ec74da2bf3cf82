"""Pods that are followed until they are bound or gone."""

from collections.abc import Callable

import pytest

from extender.cluster.followed import FOLLOW_S, MAX_FOLLOWED, Followed
from extender.intents import Pod

POD = Pod("shop", "web", "u1", annotations={"a": "b"})


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def followed(clock: Callable[[], float]) -> Followed:
    return Followed(clock)


def listen(followed: Followed) -> list[Pod]:
    heard: list[Pod] = []
    followed.on_end(heard.append)
    return heard


def test_a_bound_pod_is_reported_once_with_what_was_known_of_it(followed: Followed) -> None:
    heard = listen(followed)
    followed.follow(POD)
    followed.saw(Pod("shop", "web", "u1"))
    assert heard == []
    for _ in range(2):
        followed.saw(Pod("shop", "web", "u1", node="a", phase="Pending"))
    assert heard == [Pod("shop", "web", "u1", node="a", phase="Pending", annotations={"a": "b"})]


def test_a_pod_that_goes_away_unbound_is_reported_as_deleted(followed: Followed) -> None:
    heard = listen(followed)
    followed.follow(POD)
    followed.saw(Pod("shop", "web", "u1", deleted=True))
    assert [(p.node, p.deleted) for p in heard] == [("", True)]


def test_a_list_without_the_pod_means_that_it_is_gone(followed: Followed) -> None:
    heard = listen(followed)
    followed.follow(POD)
    mark = followed.begin_list()
    followed.listed("other", set(), mark)
    followed.listed("shop", {"u1", "u2"}, mark)
    assert heard == []
    followed.listed("shop", {"u2"}, mark)
    assert [p.deleted for p in heard] == [True]


def test_a_pod_followed_while_a_list_is_under_way_may_be_missing_in_that_list_only(followed: Followed) -> None:
    heard = listen(followed)
    mark = followed.begin_list()
    followed.follow(POD)
    assert not followed.listed("shop", set(), mark)
    assert heard == []
    assert followed.listed("shop", set(), followed.begin_list())
    assert [p.deleted for p in heard] == [True]


def test_a_pod_that_nobody_follows_is_not_reported(followed: Followed) -> None:
    heard = listen(followed)
    followed.follow(Pod("shop", "without-uid"))
    followed.saw(Pod("shop", "web", "u9", node="a"))
    followed.listed("shop", set(), followed.begin_list())
    assert heard == []


def test_its_namespace_is_needed_until_the_pod_is_bound_or_too_old(followed: Followed, clock: Clock) -> None:
    followed.follow(POD)
    followed.follow(Pod("bank", "p", "u2"))
    assert followed.namespaces() == {"shop", "bank"}
    followed.saw(Pod("bank", "p", "u2", node="a"))
    assert followed.namespaces() == {"shop"}
    clock.now = FOLLOW_S - 1
    followed.follow(POD)
    clock.now = FOLLOW_S + 1
    assert followed.namespaces() == {"shop"}
    clock.now = 2 * FOLLOW_S
    assert followed.namespaces() == set()


def test_a_pod_waits_from_the_first_time_that_it_was_followed(followed: Followed, clock: Clock) -> None:
    followed.follow(POD)
    clock.now = 3.0
    followed.follow(POD)
    followed.follow(Pod("bank", "p", "u2"))
    assert followed.namespaces(5.0) == set()
    clock.now = 5.0
    assert followed.namespaces(5.0) == {"shop"}


def test_the_oldest_is_let_go_where_there_are_too_many(followed: Followed) -> None:
    heard = listen(followed)
    for i in range(MAX_FOLLOWED + 1):
        followed.follow(Pod("shop", f"p{i}", f"u{i}"))
    assert len(followed) == MAX_FOLLOWED
    followed.saw(Pod("shop", "p0", "u0", node="a"))
    followed.saw(Pod("shop", "p1", "u1", node="a"))
    assert [p.name for p in heard] == ["p1"]


def test_a_callback_that_fails_does_not_keep_the_others_from_hearing(followed: Followed) -> None:
    def fails(pod: Pod) -> None:
        raise RuntimeError

    followed.on_end(fails)
    heard = listen(followed)
    followed.follow(POD)
    followed.saw(Pod("shop", "web", "u1", node="a"))
    assert len(heard) == 1
