"""How long a pod has been waiting for something to become known: paths to be measured, peers to appear."""

from collections.abc import Hashable, Iterable
from typing import Final

__all__ = ["Grace"]

FORGET_S: Final = 600.0
"""A wait that nobody has asked about for this long starts anew."""


class Grace:
    """Waits by key; the first question starts one, and it is over `grace_s` later."""

    def __init__(self, grace_s: float) -> None:
        self.grace_s = grace_s
        self._began: dict[Hashable, tuple[float, float]] = {}

    def waiting(self, key: Hashable, now: float) -> bool:
        """Whether the wait for this key is still within its grace; the first call starts it."""
        began, asked = self._began.get(key, (now, now))
        if now - asked > FORGET_S:
            began = now
        self._began[key] = (began, now)
        return now - began < self.grace_s

    def over(self, keys: Iterable[Hashable]) -> None:
        """What was waited for has come."""
        for key in keys:
            self._began.pop(key, None)

    def waited_for(self, *key: str) -> list[str]:
        """The last parts of the keys that begin with these."""
        return [k[-1] for k in self._began if isinstance(k, tuple) and k[:-1] == key] if self._began else []

    def tidy(self, now: float) -> None:
        """Drop the waits that nobody asks about any more."""
        self._began = {k: v for k, v in self._began.items() if now - v[1] <= FORGET_S}
