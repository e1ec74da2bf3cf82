"""Service accounts' tokens that Kubernetes would not hand out."""

import base64
import json
import subprocess
from pathlib import Path

__all__ = ["expired"]


def expired(token: str, signing_key: Path) -> str:
    """A token with the same claims, signed by the cluster's own key, whose time was over an hour ago."""
    head, payload, _ = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    over = claims["exp"] - claims["iat"] + 3600
    claims |= {claim: claims[claim] - over for claim in ("iat", "nbf", "exp")}
    signed = f"{head}.{_part(json.dumps(claims).encode())}"
    command = ["openssl", "dgst", "-sha256", "-sign", str(signing_key)]
    return f"{signed}.{_part(subprocess.run(command, input=signed.encode(), capture_output=True, check=True).stdout)}"


def _part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
