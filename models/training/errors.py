"""What can go wrong in training."""

from models.errors import ModelError

__all__ = ["TrainingError"]


class TrainingError(ModelError):
    """Training cannot begin, go on, or give a model; the text says why and what to do."""
