"""What a test needs and does not find: skipped on a developer's machine, a failure in CI, which must skip nothing."""

import os
from typing import NoReturn

import pytest

__all__ = ["missing"]


def missing(what: str) -> NoReturn:
    """End the test, because this is missing; the text says how to get it."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)
