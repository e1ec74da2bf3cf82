"""How long a pod has been waiting for something to become known: paths to be measured, peers to appear."""

from collections.abc import Callable, Hashable, Iterable
from typing import Final

__all__ = ["Grace"]

FORGET_S: Final = 600.0
"""A wait that nobody has asked about for this long starts anew."""


class Grace:
    """Waits by key; the first question starts one, and it is over `grace_s` later.

    `more_s` says how much longer it lasts while probers are asked to pause: a large cluster's samples come later.
    """

    def __init__(self, grace_s: float, more_s: Callable[[], float] = lambda: 0.0) -> None:
        self.grace_s, self._more_s = grace_s, more_s
        self._began: dict[Hashable, tuple[float, float]] = {}
        self._named: dict[Hashable, set[str]] = {}
        """The last parts of the keys that are tuples, by the parts before."""

    def waiting(self, key: Hashable, now: float) -> bool:
        """Whether the wait for this key is still within its grace; the first call starts it."""
        began, asked = self._began.get(key, (now, now))
        if now - asked > FORGET_S:
            began = now
        if key not in self._began and isinstance(key, tuple):
            self._named.setdefault(key[:-1], set()).add(key[-1])
        self._began[key] = (began, now)
        waited = now - began
        return waited < self.grace_s or (self.grace_s > 0 and waited < self.grace_s + self._more_s())

    def over(self, keys: Iterable[Hashable]) -> None:
        """What was waited for has come."""
        for key in keys:
            self._forget(key)

    def _forget(self, key: Hashable) -> None:
        if self._began.pop(key, None) is not None and isinstance(key, tuple):
            named = self._named[key[:-1]]
            named.discard(key[-1])
            if not named:
                del self._named[key[:-1]]

    def waited_for(self, *key: str) -> list[str]:
        """The last parts of the keys that begin with these."""
        return list(self._named.get(key, ()))

    def tidy(self, now: float) -> None:
        """Drop the waits that nobody asks about any more."""
        for key in [k for k, (_, asked) in self._began.items() if now - asked > FORGET_S]:
            self._forget(key)
