"""How models get into the package."""

import pytest

from models.errors import ArtefactError
from models.packing import pack
from models.registry import Registry
from tests.models.shared import put_forecast, put_violation


@pytest.fixture
def trained(tmp_path):
    put_forecast(tmp_path / "trained", "points")
    put_violation(tmp_path / "trained", "judge")
    return tmp_path / "trained"


def test_packed_models_take_the_place_of_the_old_ones(trained, tmp_path):
    package = tmp_path / "package"
    put_forecast(package, "old")
    pack(trained, "points", "judge", package)
    registry = Registry(package)
    assert registry.names() == ["judge", "points"]
    assert (registry.serving().shared, registry.serving().violation) == ("points", "judge")


@pytest.mark.parametrize(("shared", "violation"), [("judge", "judge"), ("points", "points"), ("points", "none")])
def test_what_cannot_serve_is_refused_and_the_old_ones_stay(trained, tmp_path, shared, violation):
    package = tmp_path / "package"
    put_forecast(package, "old")
    with pytest.raises(ArtefactError):
        pack(trained, shared, violation, package)
    assert Registry(package).names() == ["old"]
