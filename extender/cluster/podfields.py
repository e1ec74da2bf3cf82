"""The fields of a pod that the watches look at: the rest of its JSON, most of it, is passed over."""

from typing import Any, Final, TypedDict

import msgspec

__all__ = ["decode_pod"]


class _Meta(TypedDict, total=False):
    name: Any
    namespace: Any
    uid: Any
    labels: Any
    annotations: Any
    ownerReferences: Any
    deletionTimestamp: Any


class _Spec(TypedDict, total=False):
    nodeName: Any
    schedulerName: Any


class _Status(TypedDict, total=False):
    phase: Any


class _Pod(TypedDict, total=False):
    metadata: _Meta
    spec: _Spec | None
    status: _Status | None


decode_pod: Final = msgspec.json.Decoder(_Pod).decode
"""A pod from its JSON, as a dictionary with these fields alone; what they hold is not checked yet."""
