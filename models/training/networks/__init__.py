"""The networks: the seed's, one for each pair, and the shared one."""

from models.training.networks.seed import SeedLstm
from models.training.networks.shared import LEVELS, SharedForecaster

__all__ = ["LEVELS", "SeedLstm", "SharedForecaster"]
