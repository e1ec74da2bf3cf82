"""The manifest of a trained artefact: what the ONNX file beside it is, takes, gives, and was made from."""

import re
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from models.errors import ArtefactError

__all__ = ["SCHEMA_VERSION", "Manifest", "Shape", "check_name", "check_pair", "decode", "encode"]

SCHEMA_VERSION: Final = 1

RESERVED: Final = frozenset({"promoted"})
"""Names whose manifest would take the place of another file of the directory."""

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Shape: TypeAlias = list[Annotated[int, msgspec.Meta(ge=1, le=100_000)] | Literal["n"]]
"""Dimensions of a tensor; `"n"`, only in the first place, is the number of windows of a batch."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}", re.ASCII)
_PAIR: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*2[A-Za-z0-9._-]*[A-Za-z0-9]", re.ASCII)


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of `<name>.json`."""

    schema_version: Literal[1] = SCHEMA_VERSION
    name: str
    kind: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    """Who knows how to use it: `seed-lstm`, `network`, ..."""
    architecture: dict[str, Any]
    """Free: type, hidden, layers, dropout, ..."""
    window: Count
    """Slots that it looks back on."""
    horizon: Count
    """Slots that it forecasts."""
    interval_s: Annotated[float, msgspec.Meta(gt=0)] | None
    """Seconds between the slots of the training data; None where they were irregular."""
    units: Literal["ms"] = "ms"
    inputs: dict[str, Shape]
    outputs: dict[str, Shape]
    training: dict[str, Any]
    """Recipe, seed, range, samples, ...; what is known of it."""
    data: dict[str, Any]
    """sha256, description, ... of what it was trained on or made from."""
    metrics: dict[str, Any]
    created: datetime
    sha256: str = ""
    """Of the ONNX file; filled in when the artefact is written."""
    pair: str | None = None
    """`a2b` for a model that knows only this pair; None for one that serves all."""


def encode(manifest: Manifest) -> bytes:
    """The file's content, for people to read too."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def decode(content: bytes, source: str) -> Manifest:
    """Read a manifest strictly; raises ArtefactError that begins with `source`, the file's name."""
    version = _version(content, source)
    if version != SCHEMA_VERSION:
        raise ArtefactError(
            f"{source}: schema version {version!r}, and this neilats reads {SCHEMA_VERSION}; "
            "use the neilats that wrote it, or a newer one"
        )
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise ArtefactError(f"{source}: not a manifest: {e}; write or download the artefact again") from e
    _check(manifest, source)
    return manifest


def _version(content: bytes, source: str) -> object:
    """Read the version first: the fields of another version would only confuse the message."""
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise ArtefactError(f"{source}: not JSON ({e}): truncated or altered; write or download it again") from e
    if not isinstance(document, dict) or "schema_version" not in document:
        raise ArtefactError(f"{source}: JSON, but no manifest: there is no schema_version")
    return document["schema_version"]


def _check(manifest: Manifest, source: str) -> None:
    """What types cannot say."""
    check_name(manifest.name, source)
    if manifest.pair is not None:
        check_pair(manifest.pair, source)
    if not manifest.inputs or not manifest.outputs:
        raise ArtefactError(f"{source}: names no inputs or no outputs")
    for tensor, shape in (manifest.inputs | manifest.outputs).items():
        if not shape or shape[0] != "n" or "n" in shape[1:]:
            raise ArtefactError(f'{source}: {tensor!r} has shape {shape}; expected ["n", ...], one row for a window')


def check_name(name: str, source: str = "model name") -> str:
    """Return the name if it can be a file's and a ConfigMap key's; raises ArtefactError."""
    if not _NAME.fullmatch(name) or name in RESERVED:
        raise ArtefactError(
            f"{source}: {name[:80]!r} is no usable name; letters, digits, '.', '_', '-' only, a letter or digit first"
            + (" (this one is taken by promoted.json)" if name in RESERVED else "")
        )
    return name


def check_pair(pair: str, source: str = "pair") -> str:
    """Return the pair if it reads `a2b`; which names it joins only the node list can tell. Raises ArtefactError."""
    if not _PAIR.fullmatch(pair) or len(pair) > 150:
        raise ArtefactError(f"{source}: {pair[:80]!r} is no pair of nodes; expected A2B, such as master2node1")
    return pair
