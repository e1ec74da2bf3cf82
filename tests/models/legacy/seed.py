"""The old plugin's models and files, made with torch, scikit-learn and joblib, and its forecasts by torch."""

import contextlib

import joblib
import numpy as np
import torch
from sklearn.preprocessing import StandardScaler

PLACE = {"tag": None}


def _tag(storage):
    """Says where a storage lies; torch asks the registered packages in their order."""
    return PLACE["tag"]


torch.serialization.register_package(1, _tag, lambda storage, location: None)


@contextlib.contextmanager
def on_cuda():
    """Let torch.save itself write `cuda:0`, as on the machine with the GPU on which the old models were trained."""
    PLACE["tag"] = "cuda:0"
    try:
        yield
    finally:
        PLACE["tag"] = None


class SeedModel(torch.nn.Module):
    """Linear head on the last step of an LSTM, over the window as a sequence or as one step."""

    def __init__(self, hidden=8, layers=2, outputs=30, inputs=1, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.lstm = torch.nn.LSTM(inputs, hidden, layers, batch_first=True, dropout=0.3 if layers > 1 else 0)
        self.fc = torch.nn.Linear(hidden, outputs)
        with torch.no_grad():
            for weights in self.parameters():
                weights.mul_(3)  # a trained network's forecasts depend on its window; a fresh one's hardly do
        self.eval()

    def forward(self, windows):
        one_by_one = self.lstm.input_size == 1
        states, _ = self.lstm(windows[:, :, None] if one_by_one else windows[:, None, :])
        return self.fc(states[:, -1, :])

    def forecast(self, windows, scaler):
        """The old plugin's forecast in ms, ``[n, outputs]``."""
        with torch.no_grad():
            scaled = self(torch.tensor(_by_feature(scaler.transform, windows, scaler), dtype=torch.float32))
        return _by_feature(scaler.inverse_transform, scaled.double().numpy(), scaler)


def _by_feature(transform, rows, scaler):
    if scaler.n_features_in_ == 1:
        return transform(rows.reshape(-1, 1)).reshape(rows.shape)
    return transform(rows)


def rtts(n=300, level_ms=5.0, spread_ms=0.8, seed=0):
    return np.random.default_rng(seed).normal(level_ms, spread_ms, (n, 30))


def fitted(windows=None, features=1, **how):
    windows = rtts() if windows is None else windows
    return StandardScaler(**how).fit(windows if features == 30 else windows.reshape(-1, 1))


def write_pair(directory, model=None, scaler=None, pair="a2b", cuda=True):
    """Both files, as the old plugin's training leaves them."""
    pth, pkl = directory / f"lstm_{pair}.pth", directory / f"scaler_{pair}.pkl"
    with on_cuda() if cuda else contextlib.nullcontext():
        torch.save((model or SeedModel()).state_dict(), pth)
    joblib.dump(scaler or fitted(), pkl)
    return pth, pkl
