"""Certificates for tests, made with openssl."""

import shutil
import subprocess
from pathlib import Path

from tests.missing import missing


class Authority:
    """A CA whose certificates a test hands out; files are in `folder`."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        if not shutil.which("openssl"):
            missing("openssl makes the certificates of these tests: install it")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._name = folder, name
        self.cert, self._key = folder / f"{name}.crt", folder / f"{name}.key"
        _openssl(
            "req", "-x509", *_NEW_KEY, "-days", "2", "-subj", f"/CN={name}", "-keyout", self._key, "-out", self.cert
        )

    def intermediate(self, name: str) -> "Authority":
        """Another CA whose certificate this one signed."""
        made = Authority(self._folder, name)
        extensions = self._folder / f"{name}.ext"
        extensions.write_text("basicConstraints=critical,CA:TRUE\n")
        request = self._folder / f"{name}.csr"
        _openssl("req", "-new", "-key", made._key, "-subj", f"/CN={name}", "-out", request)
        _openssl(
            "x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self._key, "-CAcreateserial",
            "-days", "2", "-extfile", extensions, "-out", made.cert,
        )  # fmt: skip
        return made

    def issue(self, name: str, days: int = 1) -> tuple[Path, Path]:
        """A certificate for 127.0.0.1, also of a client, and its key."""
        stem = self._folder / f"{self._name}-{name}"
        cert, key, request = (stem.with_suffix(s) for s in (".crt", ".key", ".csr"))
        extensions = stem.with_suffix(".ext")
        extensions.write_text("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
        _openssl("req", *_NEW_KEY, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        _openssl(
            "x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self._key, "-CAcreateserial",
            "-days", str(days), "-extfile", extensions, "-out", cert,
        )  # fmt: skip
        return cert, key


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
