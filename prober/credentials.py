"""What reports are sent with: the token that says whose they are, and the CA that extenders are verified by.

Kubernetes renews both files while the prober runs, so they are read again every few seconds. What cannot be read, or
holds nothing of use, changes nothing: the last good content stays in use.
"""

import asyncio
import re
import ssl
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Generic, TypeVar

from neilats.log import get_logger
from prober.trust import trusting, trusting_nobody

__all__ = ["Credentials"]

T = TypeVar("T")

log = get_logger("prober.credentials")

LOOK_S: Final = 5.0
"""Least seconds between two looks at the files."""

_MOST_BYTES: Final = 1024 * 1024
_TOKEN: Final = re.compile(rb"[!-~]+")


class _Kept(Generic[T]):
    """The last good content of a setting's file; `parse` raises ValueError or OSError for what is of no use."""

    def __init__(self, setting: str, path: str, parse: Callable[[bytes], T], initial: T) -> None:
        self._setting, self._path, self._parse = setting, Path(path), parse
        self._raw: bytes | None = None
        self._fault = ""
        self.value = initial

    def read(self) -> None:
        """Take the content if it has changed and is good; log the first of a row of failures."""
        try:
            raw = _content(self._path)
            if raw != self._raw:
                self.value, self._raw = self._parse(raw), raw
        except (OSError, ValueError) as e:
            if not self._fault:
                log.warning("file is of no use; its last good content stays", extra=self._about | {"reason": e})
            self._fault = str(e)
            return
        if self._fault:
            log.info("file can be used again", extra=self._about)
        self._fault = ""

    @property
    def _about(self) -> dict[str, str]:
        return {"setting": self._setting, "file": str(self._path)}


class Credentials:
    """The token and the CA, as the files hold them; without a file no token, or the system's CAs.

    A CA file that was never good trusts nobody: the token must not go to whom another CA vouches for.
    """

    def __init__(
        self,
        token_file: str = "",
        ca_file: str = "",
        *,
        look_s: float = LOOK_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._token = _Kept("token_file", token_file, _token, "") if token_file else None
        self._ca = _Kept("ca_file", ca_file, trusting, trusting_nobody()) if ca_file else None
        self._look_s, self._clock = look_s, clock
        self._due = clock()
        self._lock = asyncio.Lock()

    @property
    def headers(self) -> dict[str, str]:
        """The header of a report."""
        token = self._token.value if self._token else ""
        return {"Authorization": f"Bearer {token}"} if token else {}

    @property
    def tls(self) -> ssl.SSLContext | bool:
        """How aiohttp shall verify an extender; another object after the file has changed."""
        return self._ca.value if self._ca else True

    async def refresh(self) -> None:
        """Read the files if the last look is long enough ago. A slow disk holds up the reports, never the probes."""
        async with self._lock:
            if self._clock() < self._due:
                return
            self._due = self._clock() + self._look_s
            for kept in (self._token, self._ca):
                if kept:
                    await asyncio.to_thread(kept.read)

    def doubt(self) -> None:
        """Let the next `refresh` read the files: the token was refused."""
        self._due = self._clock()

    def warn_of_plain_http(self, urls: Iterable[str]) -> None:
        """Log each extender to which the token goes unencrypted, as is meant on a loopback or within a mesh."""
        plain = [url for url in urls if url.startswith("http:")]
        if self._token and plain:
            log.warning(
                "token_file is set, but extender_urls has http: whoever listens on the way can read the token",
                extra={"urls": ",".join(plain)},
            )


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        raw = file.read(_MOST_BYTES + 1)
    if len(raw) > _MOST_BYTES:
        raise ValueError(f"it has more than {_MOST_BYTES} bytes")
    return raw


def _token(raw: bytes) -> str:
    word = raw.strip()
    if not word:
        raise ValueError("it is empty")
    if not _TOKEN.fullmatch(word):
        raise ValueError("it holds no token: expected one word of visible ASCII characters")
    return word.decode("ascii")
