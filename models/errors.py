"""What can be wrong with a model's files; every text names the file and says what to do."""

__all__ = ["ArtefactError", "LegacyError", "ModelError"]


class ModelError(ValueError):
    """A model cannot be used; whatever served before goes on serving."""


class ArtefactError(ModelError):
    """A trained artefact (ONNX and manifest) or the registry's own file is missing, broken or not what it claims."""


class LegacyError(ModelError):
    """A file of the old plugin (`lstm_<pair>.pth`, `scaler_<pair>.pkl`) cannot be imported."""
