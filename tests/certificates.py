"""Certificate authorities for the tests of TLS, made by openssl."""

import ssl
import subprocess
from pathlib import Path

from tests.missing import missing

__all__ = ["ADDRESS", "Authority"]

ADDRESS = "IP:127.0.0.1"
"""The name of a server that listens here."""

_NEW = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class Authority:
    """A CA whose certificate is `ca`, and the certificates that it signs; all in one folder.

    Its own certificate is signed by itself, or by the authority `above` it.
    """

    def __init__(self, folder: Path, name: str = "ca", above: "Authority | None" = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._name = folder, name
        self.ca, self._key = folder / f"{name}.crt", folder / f"{name}.key"
        signed = ("-CA", above.ca, "-CAkey", above._key) if above else ()
        _openssl(*_NEW, "-days", "1", *signed, "-subj", f"/CN={name}", "-keyout", self._key, "-out", self.ca)

    def issue(self, *names: str, days: int = 1) -> tuple[Path, Path]:
        """The files of a certificate for these names (`DNS:...` or `IP:...`), also of a client, and of its key."""
        stem = f"{self._name}-{len(list(self._folder.glob('*.crt')))}"
        cert, key = self._folder / f"{stem}.crt", self._folder / f"{stem}.key"
        extensions = ("basicConstraints=critical,CA:FALSE", *([f"subjectAltName={','.join(names)}"] if names else ()))
        flags = [part for extension in extensions for part in ("-addext", extension)]
        signed = ("-CA", self.ca, "-CAkey", self._key)
        _openssl(*_NEW, "-days", str(days), *signed, "-subj", f"/CN={stem}", *flags, "-keyout", key, "-out", cert)
        return cert, key

    def server(self, *names: str) -> ssl.SSLContext:
        """What a server for these names listens with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue(*names))
        return context


def _openssl(*command: str | Path) -> None:
    try:
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    except FileNotFoundError:
        missing("openssl makes the certificates of this test: install it")
