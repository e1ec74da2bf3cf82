"""A fake API server and the cluster's view of it through the real kubernetes client."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from extender.cluster.kube import KubeApi
from tests.extender.cluster.fake_api import FakeApi


@pytest.fixture
async def fake() -> AsyncIterator[FakeApi]:
    api = FakeApi()
    async with api.server:
        yield api


@pytest.fixture
def kubeconfig(fake: FakeApi, tmp_path: Path) -> Path:
    """A kubeconfig of the fake server whose token is read from a file that ends with a newline."""
    (tmp_path / "token").write_text("secret-1\n")
    path = tmp_path / "kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "fake",
        "clusters": [{"name": "fake", "cluster": {"server": fake.url}}],
        "users": [{"name": "user", "user": {"tokenFile": "token"}}],
        "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "user"}}],
    }
    path.write_text(json.dumps(config))
    return path


@pytest.fixture
async def api(kubeconfig: Path) -> AsyncIterator[KubeApi]:
    opened = await KubeApi.open(str(kubeconfig))
    yield opened
    await opened.close()
