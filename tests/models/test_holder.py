"""The models that serve: promotions are followed, and what is broken never takes a place."""

import os
import threading

import numpy as np
import pytest

from models import artefact, forecaster
from models.errors import ArtefactError
from models.holder import ModelHolder
from models.registry import Registry
from models.runtime.estimator import QuantileEstimator
from models.runtime.forecast import ForecastNetwork
from scoring.naive import DecayedMeanForecaster
from scoring.paths import Paths
from tests.models.networks import manifest, network
from tests.models.shared import put_forecast, put_violation

PATHS = Paths.bare(np.full((4, 40), 2.0))


class Place:
    """A directory of models and its holder."""

    def __init__(self, directory):
        self.directory = directory
        self.registry = Registry(directory)
        self.loads = []
        self.holder = ModelHolder(self.registry, heard=self.loads.append)

    def promote(self, name, pair=None):
        self.registry.promote(name, pair)
        return self.holder.refresh()

    @property
    def failures(self):
        return [load.error for load in self.loads if load.error]


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    put_forecast(tmp_path, "one", 1.0)
    put_forecast(tmp_path, "two", 2.0)
    put_violation(tmp_path, "judge")
    artefact.write(tmp_path, manifest("lone", pair="a2b"), network())
    return place


def test_nothing_promoted_is_the_median_and_no_estimator(place):
    assert place.holder.refresh() is False
    now = place.holder.current
    assert (now.generation, now.points.name, now.estimator, dict(now.pairs)) == (0, "median", None, {})


def test_each_kind_of_model_has_its_place_and_every_change_is_a_generation(place):
    for step, name in enumerate(("one", "judge", "lone"), start=1):
        assert place.promote(name) is True
        assert place.holder.current.generation == step
    now = place.holder.current
    assert (now.points.name, now.estimator.name, now.pairs["a2b"].name) == ("one", "judge", "lone")
    assert [load.name for load in place.loads] == ["one", "judge", "lone"]  # each was loaded once
    assert place.registry.serving().violation == "judge"


def test_a_look_at_unchanged_files_loads_nothing(place):
    place.promote("one")
    assert place.holder.refresh() is False
    os.utime(place.directory / "two.json")  # touched, but not what serves
    assert place.holder.refresh() is False
    assert len(place.loads) == 1


def test_without_a_network_of_violations_the_forecasters_quantiles_answer(place):
    place.promote("one")
    assert isinstance(place.holder.current.estimator, QuantileEstimator)
    place.promote("judge")
    assert place.holder.current.estimator.name == "judge"


def test_a_rollback_brings_the_model_before_back(place):
    place.promote("one")
    place.promote("two")
    place.registry.rollback()
    assert place.holder.refresh() is True
    assert place.holder.current.points.name == "one"


def test_a_demoted_model_leaves_its_place(place):
    for name in ("one", "judge", "lone"):
        place.promote(name)
    place.registry.demote()
    place.registry.demote("a2b")
    assert place.holder.refresh() is True
    now = place.holder.current
    assert (now.points.name, now.estimator, dict(now.pairs)) == ("median", None, {})


def force(place, shared):
    """Promote without the registry's checks, as a hand that edits the file would."""
    (place.directory / "promoted.json").write_text(f'{{"schema_version": 1, "shared": "{shared}"}}')


BROKEN = {
    "truncated": lambda d: (d / "two.onnx").write_bytes((d / "two.onnx").read_bytes()[:100]),
    "altered": lambda d: (d / "two.onnx").write_bytes(network(9)),
    "without its network": lambda d: (d / "two.onnx").unlink(),
    "without its manifest": lambda d: (d / "two.json").unlink(),
    "with a manifest that is not one": lambda d: (d / "two.json").write_text("{"),
}


@pytest.mark.parametrize("breakage", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_model_leaves_the_old_one_serving_and_is_named_once(place, breakage):
    place.promote("one")
    before = place.holder.current
    breakage(place.directory)
    force(place, "two")
    assert place.holder.refresh() is False
    assert place.holder.current is before
    (failure,) = place.failures
    assert str(place.directory / "two.") in failure
    assert place.holder.refresh() is False
    assert len(place.failures) == 1


def test_a_model_that_breaks_while_it_serves_goes_on_serving(place):
    place.promote("one")
    (place.directory / "one.onnx").write_bytes(b"\0")
    assert place.holder.refresh() is False
    assert "one.onnx" in place.failures[0]
    np.testing.assert_allclose(place.holder.current.points.forecast(PATHS, 3).rtt_ms, 2.0)


def test_a_mended_model_is_loaded(place):
    place.promote("one")
    content = (place.directory / "two.onnx").read_bytes()
    BROKEN["truncated"](place.directory)
    force(place, "two")
    place.holder.refresh()
    (place.directory / "two.onnx").write_bytes(content)
    assert place.holder.refresh() is True
    assert place.holder.current.points.name == "two"


@pytest.mark.parametrize("name", ["judge", "none"])
def test_a_model_of_another_kind_or_none_at_all_is_refused(place, name):
    place.promote("one")
    force(place, name)
    assert place.holder.refresh() is False
    assert place.holder.current.points.name == "one"
    assert name in place.failures[0]


def test_a_broken_list_of_promoted_models_changes_nothing(place):
    place.promote("one")
    (place.directory / "promoted.json").write_text("{")
    assert place.holder.refresh() is False
    assert place.holder.refresh() is False
    (failure,) = place.failures
    assert "promoted.json" in failure
    assert place.holder.current.points.name == "one"


def test_one_broken_model_does_not_keep_the_others_from_loading(place):
    (place.directory / "two.onnx").write_bytes(b"")
    (place.directory / "promoted.json").write_text(
        '{"schema_version": 1, "shared": "two", "violation": "judge", "pairs": {"a2b": "lone"}}'
    )
    assert place.holder.refresh() is True
    now = place.holder.current
    assert (now.points.name, now.estimator.name, now.pairs["a2b"].name) == ("median", "judge", "lone")


@pytest.fixture
def over_package(tmp_path):
    """A user's directory over a package that promotes one model of each kind."""
    package = tmp_path / "package"
    put_forecast(package, "shipped", 1.0)
    put_violation(package, "shipped-judge")
    for name in ("shipped", "shipped-judge"):
        Registry(package).promote(name)
    own = Place(tmp_path / "own")
    own.registry = Registry(own.directory, package)
    own.holder = ModelHolder(own.registry, heard=own.loads.append)
    return own


def test_the_packages_models_serve_where_the_user_has_none_of_that_kind(over_package):
    put_violation(over_package.directory, "mine")
    over_package.promote("mine")
    now = over_package.holder.current
    assert (now.points.name, now.estimator.name) == ("shipped", "mine")
    over_package.registry.demote()
    over_package.holder.refresh()
    assert over_package.holder.current.estimator.name == "shipped-judge"


def test_a_start_with_a_broken_model_takes_the_packages(over_package):
    put_forecast(over_package.directory, "mine", 3.0)
    over_package.registry.promote("mine")
    (over_package.directory / "mine.onnx").write_bytes(b"")
    assert over_package.holder.refresh() is True
    assert over_package.holder.current.points.name == "shipped"
    assert "mine.onnx" in over_package.failures[0]


def test_a_chosen_naive_forecaster_takes_the_place_of_all_shared_networks(place):
    place.holder = ModelHolder(place.registry, DecayedMeanForecaster())
    for name in ("one", "judge", "lone"):
        place.promote(name)
    now = place.holder.current
    assert (now.points.name, now.estimator, list(now.pairs)) == ("decayed-mean", None, ["a2b"])


def test_a_swap_under_readers_is_one_model_or_the_other(place):
    place.promote("one")
    stop, seen, wrong = threading.Event(), set(), []

    def read():
        while not stop.is_set():
            points = place.holder.current.points
            answer = {float(v) for v in np.unique(points.forecast(PATHS, 3).rtt_ms)}
            seen.add(points.name)
            if answer != {{"one": 2.0, "two": 4.0}[points.name]}:
                wrong.append((points.name, answer))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for name in ("two", "one", "two", "one", "two"):
        place.promote(name)
    stop.set()
    for reader in readers:
        reader.join()
    assert not wrong
    assert seen <= {"one", "two"}


def test_a_violation_model_serves_all_pairs_or_none(place):
    with pytest.raises(ArtefactError, match="all pairs"):
        place.registry.promote("judge", "a2b")
    place.promote("judge")
    place.promote("one")
    assert place.registry.rollback().violation == "judge"


def test_forecasters_are_made_by_name(place):
    place.promote("one")
    place.promote("judge")
    assert forecaster("auto", str(place.directory)).name == "one+judge"
    assert forecaster("network", str(place.directory)).name == "one+judge"
    assert forecaster("median", str(place.directory)).name == "median"
    with pytest.raises(ValueError, match=r"no forecaster 'oracle'; there are auto, network, median"):
        forecaster("oracle")


def test_a_named_network_that_cannot_be_had_is_an_error(place):
    place.promote("one")
    (place.directory / "one.onnx").write_bytes(b"")
    with pytest.raises(ValueError, match=r"one\.onnx"):
        forecaster("network", str(place.directory))


def test_the_shared_network_is_one_of_ours(place):
    place.promote("two")
    assert isinstance(place.holder.current.points, ForecastNetwork)
