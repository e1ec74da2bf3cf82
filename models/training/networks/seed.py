"""The seed's network (reference/seed.md): one LSTM for each pair, on windows that a scaler standardised."""

import torch
from torch import Tensor, nn

from models.windows import WINDOW_SLOTS

__all__ = ["SeedLstm"]


class SeedLstm(nn.Module):
    """30 slots in, 30 or 1 out; takes and gives ms, so that the scaler is part of it.

    The names of its parts, `lstm` and `fc`, are those of the old plugin's state dicts.
    """

    mean_ms: Tensor
    scale_ms: Tensor

    def __init__(
        self, outputs: int = 30, hidden: int = 128, layers: int = 2, dropout: float = 0.3,
        mean_ms: float = 0.0, scale_ms: float = 1.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, layers, batch_first=True, dropout=dropout)
        self.fc = nn.Linear(hidden, outputs)
        self.register_buffer("mean_ms", torch.tensor(mean_ms))
        self.register_buffer("scale_ms", torch.tensor(scale_ms))

    @property
    def architecture(self) -> dict[str, object]:
        """What the manifest says of it."""
        return {
            "type": "lstm",
            "hidden": self.lstm.hidden_size,
            "layers": self.lstm.num_layers,
            "dropout": self.lstm.dropout,
            "inputs_per_step": 1,
            "window": WINDOW_SLOTS,
        }

    def standardised(self, rtt_ms: Tensor) -> Tensor:
        """Return values in standard deviations from the mean of the training part."""
        return (rtt_ms - self.mean_ms) / self.scale_ms

    def forward(self, window: Tensor) -> Tensor:
        """Return forecasts ``[n, outputs]`` in ms for windows ``[n, 30]`` in ms."""
        states, _ = self.lstm(self.standardised(window).unsqueeze(2))
        forecast: Tensor = self.fc(states[:, -1]) * self.scale_ms + self.mean_ms
        return forecast
