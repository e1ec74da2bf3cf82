"""The models in the package: whole, small, known by what they were made of, and served without what trains them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models import forecaster
from models.loading import load_estimator, load_forecaster
from models.packing import MOST_BYTES
from models.registry import Registry, packaged_directory
from scoring.paths import Paths

REGISTRY = Registry(packaged_directory())
SERVING = REGISTRY.serving()

SEATTLE = "78f70f98c76a59c6817b658908b3d716c35ceb1ff91834b7f0f53e82fbcf1919"
"""The digest of all 400 slices (`neilats.traces.Trace.sha256`)."""

SERVES = """
import sys
import numpy as np
from models import forecaster
from scoring.paths import Paths

answer = forecaster("network").forecast(Paths.bare(np.random.default_rng(0).gamma(2, 4, (300, 64))), 30)
assert np.isfinite(answer.rtt_ms).all() and np.isfinite(answer.violation(9.0)).all()
sys.exit(" ".join({"torch", "sklearn", "onnx", "statsmodels"} & set(sys.modules)) or 0)
"""


def test_one_model_forecasts_and_one_knows_violations():
    assert SERVING.shared is not None
    assert SERVING.violation is not None
    assert SERVING.pairs == {}
    assert set(REGISTRY.names()) == SERVING.names()


@pytest.mark.parametrize("name", sorted(SERVING.names()))
def test_each_network_is_the_one_of_its_manifest(name):
    REGISTRY.read(name)  # raises where the sha256 differs


def test_they_load_and_answer_on_ordinary_windows():
    assert load_forecaster(REGISTRY, SERVING.shared, 1).name == SERVING.shared
    assert load_estimator(REGISTRY, SERVING.violation, 1).name == SERVING.violation


def test_a_fresh_install_forecasts_with_them():
    networks = forecaster("network")
    assert networks.name == f"{SERVING.shared}+{SERVING.violation}"
    windows = np.random.default_rng(1).gamma(4.0, 2.0, (5, 64))
    answer = networks.forecast(Paths.bare(windows), 30)
    assert answer.rtt_ms.shape == (5, 30)
    assert np.all(np.diff([answer.violation(sla_ms).mean() for sla_ms in (2.0, 8.0, 40.0)]) < 0)


@pytest.mark.parametrize("name", sorted(SERVING.names()))
def test_the_manifest_says_what_it_was_made_of(name):
    manifest = REGISTRY.show(name)
    assert manifest.training["recipe"] == ("violation" if name == SERVING.violation else "shared")
    assert manifest.training["seed"] == 0
    assert manifest.data["from"][0]["sha256"] == SEATTLE
    assert manifest.data["from"][0]["slots"] == 400
    assert manifest.data["train_until"] is None


def test_together_they_are_small():
    assert sum(len(REGISTRY.read(name).network) for name in SERVING.names()) <= MOST_BYTES


def test_serving_them_needs_nothing_that_trains_them():
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", SERVES], capture_output=True, text=True, timeout=25, cwd=root)
    assert done.returncode == 0, done.stderr
