"""Helm for the tests of the chart, alone and with an API server."""

from pathlib import Path

import pytest

from tests.controlplane.plane import ControlPlane
from tests.deploy.chart import Helm
from tests.deploy.server import Server


@pytest.fixture
def helm(tmp_path: Path) -> Helm:
    """Helm with a home of its own."""
    return Helm(tmp_path)


@pytest.fixture(scope="session")
def server(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The API server, prepared for the chart."""
    prepared = Server(plane, tmp_path_factory.mktemp("server"))
    prepared.prepare()
    return prepared
