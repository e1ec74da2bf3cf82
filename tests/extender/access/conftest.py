"""An API server's answers to reviews, from tables that tests fill."""

import pytest

from tests.extender.access.fake_reviews import FakeReviews
from tests.extender.conftest import Clock


@pytest.fixture
def wall() -> Clock:
    """Seconds since 1970, moved by hand."""
    return Clock(1_800_000_000.0)


@pytest.fixture
def server() -> FakeReviews:
    return FakeReviews()
