"""Certificates from files, read again as they change: Kubernetes renews mounted Secrets by swapping a link."""

import asyncio
import hashlib
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from extender.certificates import not_after
from extender.metrics import Metrics
from neilats.log import get_logger

__all__ = ["Renewal", "TlsError", "TlsFiles", "renew_all"]

POLL_S: Final = 5.0

log = get_logger("extender.tls")


class TlsError(OSError):
    """Certificates that cannot be used; the message names their files."""


@dataclass(frozen=True)
class TlsFiles:
    """A certificate with its key, and the CA of client certificates if any are looked at; PEM files."""

    cert: str
    key: str
    client_ca: str = ""
    client_required: bool = False

    def digest(self) -> bytes:
        """A hash of the files' contents: links, times and inodes may change without them, and the other way round."""
        found = hashlib.sha256()
        for name in (self.cert, self.key, self.client_ca):
            found.update(hashlib.sha256(Path(name).read_bytes() if name else b"").digest())
        return found.digest()

    def context(self) -> ssl.SSLContext:
        """A server's context of the files as they are now; raises TlsError."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            # An empty password makes an encrypted key an error; without one OpenSSL would ask on the terminal.
            context.load_cert_chain(self.cert, self.key, password="")
            if self.client_ca:
                context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the CA may be an intermediate one
                context.load_verify_locations(self.client_ca)
                context.verify_mode = ssl.CERT_REQUIRED if self.client_required else ssl.CERT_OPTIONAL
        except OSError as e:  # also ssl.SSLError
            raise TlsError(f"certificate {self.cert}, key {self.key}, client CA {self.client_ca or 'none'}: {e}") from e
        return context


class Renewal:
    """Follows the files of one listener; `use` takes a new context into use for the connections to come."""

    def __init__(
        self, name: str, files: TlsFiles, metrics: Metrics, use: Callable[[ssl.SSLContext], Awaitable[None]]
    ) -> None:
        self._name, self._files, self._metrics, self._use = name, files, metrics, use
        self._used = b""
        self._failed: bytes | None = None

    def first(self) -> ssl.SSLContext:
        """The context to begin with; raises TlsError."""
        digest = self._files.digest()  # before the context: what changes in between is noticed the next time
        context = self._files.context()
        self._took(digest)
        return context

    async def refresh(self) -> None:
        """Take changed files into use; while they are half written or do not fit together, go on with the old ones."""
        digest = b""
        try:
            digest = await asyncio.to_thread(self._files.digest)
            if digest == self._used:
                return
            context = await asyncio.to_thread(self._files.context)
            await self._use(context)
        except OSError as e:
            self._not_taken(digest, e)
            return
        self._took(digest)
        self._metrics.tls_reloads.labels("loaded").inc()
        log.info("changed certificate taken into use", extra={"listener": self._name, "file": self._files.cert})

    def _took(self, digest: bytes) -> None:
        self._used, self._failed = digest, None
        try:
            until = not_after(Path(self._files.cert).read_bytes())
        except (OSError, ValueError):
            return  # it serves all the same, and no expiry is better than a wrong one
        self._metrics.certificate_expiry.labels(self._name).set(until)

    def _not_taken(self, digest: bytes, error: OSError) -> None:
        """Count and log a failure, once for each state of the files (without a digest: they cannot be read)."""
        if digest == self._failed:
            return
        self._failed = digest
        self._metrics.tls_reloads.labels("failed").inc()
        log.error("changed certificate not taken; the old one serves on", extra={"listener": self._name, "why": error})


async def renew_all(renewals: Sequence[Renewal]) -> None:
    """Look every few seconds, for ever."""
    while True:
        await asyncio.sleep(POLL_S)
        for renewal in renewals:
            try:
                await renewal.refresh()
            except Exception:
                log.exception("looking for changed certificates failed")
