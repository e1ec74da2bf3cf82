"""The loop: early stopping is called, the best state is kept, and a resumed run is the run that was broken off."""

import pytest
import torch
from torch import nn

from models.training.errors import TrainingError
from models.training.loop import Settings, train


def network():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 1))


def batches(epoch):
    dice = torch.Generator().manual_seed(epoch)
    for _ in range(4):
        x = torch.randn(16, 3, generator=dice)
        yield x, x.sum(1, keepdim=True)


def loss(net, batch):
    return ((net(batch[0]) - batch[1]) ** 2).mean()


def validation(net):
    return float(loss(net, next(iter(batches(999)))))


def weights(net):
    return [p.detach().clone() for p in net.parameters()]


SETTINGS = Settings(epochs=6, learning_rate=0.02, seed=3, weight_decay=0.01, schedule="cosine", largest_gradient=1.0)


class BrokenOffError(Exception):
    pass


def test_a_resumed_run_is_bit_for_bit_the_run_that_was_broken_off(tmp_path):
    whole, broken = network(), network()
    history = train(whole, batches, loss, validation, SETTINGS)

    def break_off(epoch):
        if epoch.number == 2:
            raise BrokenOffError

    checkpoint = tmp_path / "state"
    with pytest.raises(BrokenOffError):
        train(broken, batches, loss, validation, SETTINGS, break_off, checkpoint)
    torch.manual_seed(77)
    resumed, seen = network(), []
    again = train(resumed, batches, loss, validation, SETTINGS, seen.append, checkpoint, resume=True)
    assert [epoch.number for epoch in seen] == [3, 4, 5]
    assert again == history
    for ours, theirs in zip(weights(resumed), weights(whole), strict=True):
        assert torch.equal(ours, theirs)
    assert [file.name for file in tmp_path.iterdir()] == ["state"]


def test_a_finished_run_resumes_to_its_end_at_once(tmp_path):
    first, second = network(), network()
    train(first, batches, loss, validation, SETTINGS, checkpoint=tmp_path / "state")
    train(second, batches, loss, validation, SETTINGS, pytest.fail, tmp_path / "state", resume=True)
    assert all(torch.equal(a, b) for a, b in zip(weights(first), weights(second), strict=True))


def test_training_stops_when_patience_ends_and_keeps_the_best_state():
    values = iter([3.0, 1.0, 2.0, 2.0, 5.0])
    states = []

    def validate(net):
        states.append(weights(net))
        return next(values)

    net = network()
    history = train(net, batches, loss, validate, Settings(epochs=50, learning_rate=0.02, patience=3))
    assert len(history.epochs) == 5
    assert history.best == 1
    assert history.summary() | {"loss": 0} == {
        "epochs": 5, "stopped_early": True, "loss": 0, "best_epoch": 2, "validation": 1.0,
    }  # fmt: skip
    assert all(torch.equal(a, b) for a, b in zip(weights(net), states[1], strict=True))


def test_without_validation_all_epochs_are_done_and_the_last_state_is_kept():
    net = network()
    history = train(net, batches, loss, None, Settings(epochs=3, learning_rate=0.02, patience=1))
    assert len(history.epochs) == 3
    assert history.best is None
    assert history.epochs[-1].loss < history.epochs[0].loss
    assert not net.training


def test_the_learning_rate_rises_then_falls():
    settings = Settings(epochs=20, learning_rate=1.0, schedule="cosine")
    rates = [settings.rate(epoch) for epoch in range(20)]
    assert rates[:2] == [0.5, 1.0]
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[-1] == 0.01
    assert Settings(epochs=2, learning_rate=1.0).rate(1) == 1.0


def test_a_loss_that_is_no_number_ends_the_run():
    with pytest.raises(TrainingError, match="the loss of epoch 1 is nan"):
        train(network(), batches, lambda net, batch: loss(net, batch) * torch.nan, None, SETTINGS)
    with pytest.raises(TrainingError, match="has no batches"):
        train(network(), lambda epoch: [], loss, None, SETTINGS)


def test_a_checkpoint_of_another_run_or_a_broken_one_is_refused(tmp_path):
    path = tmp_path / "state"
    train(network(), batches, loss, None, Settings(epochs=1, learning_rate=0.02), checkpoint=path)
    with pytest.raises(TrainingError, match="resume with the same options"):
        train(network(), batches, loss, None, SETTINGS, checkpoint=path, resume=True)
    with pytest.raises(TrainingError, match="of another network"):
        train(
            nn.Linear(3, 1), batches, loss, None, Settings(epochs=1, learning_rate=0.02), checkpoint=path, resume=True
        )
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(TrainingError, match="state: no checkpoint that can be read"):
        train(network(), batches, loss, None, SETTINGS, checkpoint=path, resume=True)


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        Settings(epochs=0, learning_rate=0.1)
