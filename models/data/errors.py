"""What can be wrong with training data."""

from models.errors import ModelError

__all__ = ["DataError"]


class DataError(ModelError):
    """A file or a name from which no series can be made; the text names the file and line, and says what to do."""
