"""The violation network: it learns, it is exported as it is, and a run can be taken up again."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models import artefact
from models.data.questions import PARTS, Questions
from models.runtime.session import OnnxModel
from models.runtime.violation import ViolationNetwork
from models.training.errors import TrainingError
from models.training.networks.violation import NOISE, NOISE_SHARE
from models.training.options import Options
from models.training.violation import SETTINGS, answers, brier, chosen_rate, export, train_violation
from models.training.violationmodel import violation_model
from scoring.features import CHANNELS, NAMES, SEQUENCE_SLOTS
from scoring.paths import Paths

SHORT = replace(SETTINGS, epochs=6)


def asked(groups=200, n=6, seed=0):
    """Questions whose outcome is how often the newest slots were above the SLA."""
    rng = np.random.default_rng(seed)
    share = rng.random((groups, n))
    above = np.where(rng.random((groups, n, SEQUENCE_SLOTS)) < share[:, :, None], 1.0, -1.0)
    sequence = np.zeros((groups, n, SEQUENCE_SLOTS, len(CHANNELS)), np.float16)
    sequence[..., 1] = above
    features = rng.normal(size=(groups, n, len(NAMES))).astype(np.float32)
    features[..., 0] = share
    features[..., 7] = np.nan
    features[..., NAMES.index(NOISE)] = share
    known = rng.random((groups, n)) < 0.95
    parts = np.repeat(share[..., None], len(PARTS), axis=2).astype(np.float16)
    parts[rng.random(parts.shape) < 0.1] = np.nan
    return Questions(sequence, features, share.astype(np.float32), parts, known, np.arange(groups))


@pytest.fixture(scope="module")
def trained():
    return train_violation(asked(), asked(60, seed=1), SHORT)


def test_it_learns_what_can_be_learnt(trained):
    network, history = trained
    later = asked(100, seed=2)
    assert chosen_rate(network, later) < 0.5 * later.outcome.mean()
    assert brier(network, later) < later.outcome.var()
    assert history.best is not None


def test_what_is_measured_of_the_node_has_a_share_in_the_answer(trained):
    network, _ = trained
    given = asked(20)
    column = NAMES.index(NOISE)
    quiet, noisy = given.features.copy(), given.features.copy()
    quiet[..., column], noisy[..., column] = 0.0, 1.0
    with torch.no_grad():
        sequence = torch.from_numpy(given.sequence).flatten(0, 1).float()
        said = [network(sequence, torch.from_numpy(f).flatten(0, 1)).numpy() for f in (quiet, noisy)]
        learnt = [
            network.violation(network.logits(sequence, torch.from_numpy(f).flatten(0, 1)).mean(dim=0)).numpy()
            for f in (quiet, noisy)
        ]
    np.testing.assert_allclose(said[0], (1 - NOISE_SHARE) * learnt[0], rtol=1e-5)
    np.testing.assert_allclose(said[1], (1 - NOISE_SHARE) * learnt[1] + NOISE_SHARE, rtol=1e-5)


def test_a_node_of_which_nothing_is_measured_has_no_share_in_the_answer(trained):
    network, _ = trained
    given = asked(20)
    given.features[..., NAMES.index(NOISE)] = np.nan
    sequence, features = torch.from_numpy(given.sequence).flatten(0, 1).float(), torch.from_numpy(given.features)
    with torch.no_grad():
        learnt = network.violation(network.logits(sequence, features.flatten(0, 1)).mean(dim=0))
    np.testing.assert_allclose(answers(network, given).ravel(), learnt.numpy(), rtol=1e-6)


def test_the_same_seed_gives_the_same_network():
    once, again = (train_violation(asked(100), None, replace(SHORT, epochs=1))[0] for _ in range(2))
    np.testing.assert_array_equal(answers(once, asked(20)), answers(again, asked(20)))


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path):
    data = asked(100)
    whole, _ = train_violation(data, None, replace(SHORT, epochs=3))
    checkpoint = tmp_path / "run"

    class Broken(Exception):
        pass

    def break_off(epoch):
        if epoch.number == 1:
            raise Broken

    with pytest.raises(Broken):
        train_violation(data, None, replace(SHORT, epochs=3), break_off, checkpoint)
    resumed, _ = train_violation(data, None, replace(SHORT, epochs=3), checkpoint=checkpoint, resume=True)
    np.testing.assert_array_equal(answers(whole, asked(20)), answers(resumed, asked(20)))


def test_the_artefact_answers_through_the_runtime(tmp_path):
    made = violation_model(asked(), asked(60, seed=1), 10.0, Options("v", epochs=1))
    artefact.write(tmp_path, made.manifest, made.network)
    model = ViolationNetwork(OnnxModel.load(artefact.read(tmp_path, "v")))
    said = model.violation(Paths.bare(np.random.default_rng(0).lognormal(2, 1, (300, 64))), 9.0)
    assert ((said > 0) & (said < 1)).all()
    assert set(made.manifest.metrics["validation"]) >= {"placed_violation_rate", "brier"}


def test_the_export_fits_into_a_config_map_beside_another(trained):
    assert len(export(trained[0])) < 0.6 * 2**20


def test_too_few_questions_are_an_error():
    with pytest.raises(TrainingError, match="10 questions are too few"):
        violation_model(asked(10), None, 10.0, Options("v"))
