"""The moving average of a network's weights while it learns."""

import copy
from typing import Any, Generic, TypeVar

from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

__all__ = ["Average"]

Network = TypeVar("Network", bound=nn.Module)

WARM_UP = 10
"""Steps by which the average begins as a plain mean: the first, random weights are to be forgotten soon."""


class Average(Generic[Network]):
    """Follows a network; without a decay it is the network itself."""

    def __init__(self, network: Network, decay: float | None) -> None:
        self._decay = decay
        self._steps = 0
        self.network: Network = network if decay is None else copy.deepcopy(network)
        """What comes out of the training."""

    def follow(self, network: Network) -> None:
        """Take one step towards the network as it is now."""
        if self._decay is None:
            return
        self._steps += 1
        decay = min(self._decay, self._steps / (WARM_UP + self._steps))
        update = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        update(list(self.network.parameters()), [p.detach() for p in network.parameters()], None)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs: nothing where nothing is averaged."""
        return {} if self._decay is None else {"steps": self._steps, "weights": self.network.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        if self._decay is not None:
            self._steps = int(state["steps"])
            self.network.load_state_dict(state["weights"])
