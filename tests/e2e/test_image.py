"""The image carries nothing that the two services do not need; tests of the chart run them in it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.models.legacy.seed import write_pair

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

LARGEST_BYTES = 200_000_000
"""Of what the image adds to its base."""
UNWANTED = ("torch", "sklearn", "scipy", "pandas", "statsmodels", "pip", "setuptools")
BUILDAH = {**os.environ, "STORAGE_DRIVER": "overlay", "BUILDAH_ISOLATION": "chroot"}


@pytest.fixture(scope="module")
def inside(image: str) -> Iterator[Any]:
    """Runs a command in a container of the image, as its user; returns what it printed."""
    box = buildah("from", "--pull-never", image)
    yield lambda *argv: buildah("run", box, "--", *argv)
    buildah("rm", box)


def buildah(*argv: str) -> str:
    done = subprocess.run(["buildah", *argv], env=BUILDAH, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def test_it_adds_at_most_200_mb_to_its_base(inside: Any) -> None:
    assert int(inside("du", "-sb", "/opt/neilats").split()[0]) <= LARGEST_BYTES


def test_it_does_not_run_as_root_nor_own_its_code(inside: Any) -> None:
    assert inside("id", "-u") == "65532"
    assert inside("find", "/opt/neilats", "-writable", "-not", "-type", "l") == ""


def test_it_holds_no_training_and_no_installer(inside: Any) -> None:
    code = f"import importlib.util as u; print([n for n in {UNWANTED} if u.find_spec(n)])"
    assert inside("python", "-c", code) == "[]"


def test_it_converts_an_old_plugins_model(image: str, tmp_path: Path) -> None:
    write_pair(tmp_path)
    tmp_path.chmod(0o777)
    box = buildah("from", "--pull-never", "-v", f"{tmp_path}:/old", image)
    files = ("/old/lstm_a2b.pth", "/old/scaler_a2b.pkl", "--out", "/old/a2b.onnx")
    try:
        buildah("run", box, "--", "neilats", "models", "convert", *files)
    finally:
        buildah("rm", box)
    assert (tmp_path / "a2b.onnx").exists()
    assert (tmp_path / "a2b.json").exists()
