"""The helm commands that findings print, for the release that was found."""

from typing import Final

__all__ = ["RELEASE", "install", "upgrade"]

RELEASE: Final = "meta.helm.sh/release-name"
"""The annotation by which Helm knows what it made; what is changed there by hand the next upgrade undoes."""

_CHART: Final = "deploy/helm/neilats"


def install(release: str, namespace: str) -> str:
    """Makes the release, or mends one of which something is missing."""
    return f"helm upgrade --install {release} {_CHART} -n {namespace} --create-namespace"


def upgrade(release: str, namespace: str, *values: str) -> str:
    """Changes values, given as KEY=VALUE, and makes everything as the values say."""
    sets = "".join(f" --set '{v}'" if set(v) & set("{}[], ") else f" --set {v}" for v in values)
    return f"helm upgrade {release} {_CHART} -n {namespace} --reuse-values{sets}"
