"""ONNX Runtime, mute: its official builds send telemetry over the network unless told not to.

All of ours take it from here, because it listens to the switch only before it is first imported. No call of its own
turns all of it off (its Privacy.md, "Disabling Telemetry").
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort

__all__ = ["ort"]
