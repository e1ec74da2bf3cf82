"""The recipes by name: the shared network, and the seed's for comparison."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

import torch

from models.data import Source
from models.training.options import Options, Trained
from models.training.seed import train_seed, train_seed_single_step
from models.training.shared import train_shared

__all__ = ["RECIPES", "Recipe", "run"]

Recipe: TypeAlias = Callable[[Sequence[Source], Options], Trained]

RECIPES: Final[Mapping[str, Recipe]] = MappingProxyType(
    {"shared": train_shared, "seed": train_seed, "seed-single-step": train_seed_single_step}
)


def run(recipe: str, sources: Sequence[Source], options: Options) -> Trained:
    """Train by a recipe's name; raises KeyError for one that does not exist, and what the recipe raises."""
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    return RECIPES[recipe](sources, options)
