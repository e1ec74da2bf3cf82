"""Helm for the tests of the chart."""

from pathlib import Path

import pytest

from tests.deploy.chart import Helm


@pytest.fixture
def helm(tmp_path: Path) -> Helm:
    """Helm with a home of its own."""
    return Helm(tmp_path)
