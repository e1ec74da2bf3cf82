"""Inference with ONNX Runtime; torch has no part in it."""

from models.runtime.session import OnnxModel

__all__ = ["OnnxModel"]
