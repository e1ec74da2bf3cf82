"""How often one may speak: a bucket of tokens for each key."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

__all__ = ["Buckets"]

_KEPT: Final = 10_000
"""Keys that are remembered; the one asked about longest ago is forgotten first, and is full again."""


class Buckets:
    """`burst` tokens for each key, one more every `refill_s` seconds."""

    def __init__(self, burst: int, refill_s: float) -> None:
        self._burst, self._refill_s = burst, refill_s
        self._left: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()  # tokens, and when they were counted

    def take(self, key: Hashable, now: float) -> bool:
        """Take a token of this key's, if there is one."""
        tokens, at = self._left.pop(key, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - at) / self._refill_s)
        taken = tokens >= 1
        self._left[key] = (tokens - taken, now)
        if len(self._left) > _KEPT:
            self._left.popitem(last=False)
        return taken
