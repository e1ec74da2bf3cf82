"""Versions as Kubernetes and images write them."""

import re
from typing import Final

__all__ = ["image_tag", "minor_of", "repository"]

_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)")


def minor_of(version: str) -> tuple[int, int] | None:
    """Major and minor of v1.36.3 or v1.30.8-eks-1; None where there are none."""
    found = _VERSION.match(version)
    return (int(found[1]), int(found[2])) if found else None


def repository(image: str) -> str:
    """An image's name without its tag or digest."""
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return head + slash + last.partition(":")[0]


def image_tag(image: str) -> str:
    """An image's tag; empty without one."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]
