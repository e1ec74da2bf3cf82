"""Fixtures of the tests against a real control plane.

`plane` is the running control plane of the whole session (`plane.scheduler(url)` starts a kube-scheduler that asks an
extender, `plane.kubeconfig()` lets clients in), `kube` creates and inspects objects in it and leaves it empty after
each test. `tests/conftest.py` makes both known everywhere, so that one control plane serves all. A file of such tests
begins with

    pytestmark = [pytest.mark.controlplane, pytest.mark.timeout(120)]
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.controlplane.kube import Kube
from tests.controlplane.plane import ControlPlane
from tests.missing import missing

REMEDY = "set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kube-scheduler: setup-envtest use -p path"


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The running control plane; skips without its binaries, except in CI."""
    binaries = Path(os.environ.get("KUBEBUILDER_ASSETS", ""))
    if not (binaries / "kube-apiserver").exists():
        missing(REMEDY)
    running = ControlPlane(binaries, tmp_path_factory.mktemp("controlplane"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture
async def kube(plane: ControlPlane) -> AsyncIterator[Kube]:
    """The API server, empty but for namespaces before and after the test."""
    client = Kube(plane)
    try:
        await client.clean()
        yield client
        await client.clean()
    finally:
        await client.close()
