"""Which API server the doctor asks."""

import os
from collections.abc import Mapping
from pathlib import Path

from extender.cluster.choose import SERVICE_ACCOUNT

__all__ = ["choose_kubeconfig"]


def choose_kubeconfig(
    given: str, env: Mapping[str, str], home: Path, *, service_account: Path = SERVICE_ACCOUNT
) -> str:
    """The kubeconfig file to use, or an empty string for the service account of the pod this runs in.

    As kubectl does, except that of several files in $KUBECONFIG only the first one that exists is read.
    """
    if given or service_account.exists():
        return given
    listed = [p for p in env.get("KUBECONFIG", "").split(os.pathsep) if p]
    return next((p for p in listed if Path(p).exists()), listed[0] if listed else str(home / ".kube" / "config"))
