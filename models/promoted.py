"""Which models serve: the content of `promoted.json`, and what a promotion and a rollback make of it."""

from typing import Annotated, Final, Literal

import msgspec

from models.errors import ArtefactError
from models.manifest import check_name, check_pair

__all__ = ["Promoted", "Serving", "decode", "encode"]

KEPT: Final = 10
"""Earlier states that a rollback can return to."""


class Serving(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One state of affairs."""

    shared: str | None = None
    """The model that forecasts every pair without one of its own."""
    violation: str | None = None
    """The model that says how often any pair will break an SLA."""
    pairs: dict[str, str] = {}
    """`a2b` → model."""

    def names(self) -> set[str]:
        """Every model that serves."""
        return {*self.pairs.values(), *(name for name in (self.shared, self.violation) if name is not None)}

    def changed(self, pair: str | None, name: str | None) -> "Serving":
        """The state with another model, or none, for a pair, or for all where `pair` is None."""
        if pair is None:
            return msgspec.structs.replace(self, shared=name)
        others = {p: n for p, n in self.pairs.items() if p != pair}
        return msgspec.structs.replace(self, pairs=others if name is None else {**others, pair: name})

    def judged_by(self, name: str | None) -> "Serving":
        """The state with another model, or none, for the violations of SLAs."""
        return msgspec.structs.replace(self, violation=name)

    def over(self, packaged: "Serving") -> "Serving":
        """The state in which the package's models serve all pairs where the user has none for that."""
        return msgspec.structs.replace(
            self,
            shared=packaged.shared if self.shared is None else self.shared,
            violation=packaged.violation if self.violation is None else self.violation,
        )


class Promoted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file: what serves, and what served before."""

    schema_version: Literal[1] = 1
    shared: str | None = None
    violation: str | None = None
    pairs: dict[str, str] = {}
    earlier: Annotated[list[Serving], msgspec.Meta(max_length=KEPT)] = []
    """Newest last."""

    @property
    def serving(self) -> Serving:
        """What serves now."""
        return Serving(shared=self.shared, violation=self.violation, pairs=self.pairs)

    def after(self, serving: Serving) -> "Promoted":
        """The file once this state is promoted; what serves now is remembered."""
        if serving == self.serving:
            return self
        earlier = [*self.earlier, self.serving][-KEPT:]
        return _file(serving, earlier)

    def rolled_back(self) -> "Promoted | None":
        """The file with the state before; None where nothing is remembered."""
        if not self.earlier:
            return None
        *earlier, before = self.earlier
        return _file(before, earlier)


def _file(serving: Serving, earlier: list[Serving]) -> Promoted:
    return Promoted(shared=serving.shared, violation=serving.violation, pairs=serving.pairs, earlier=earlier)


def encode(promoted: Promoted) -> bytes:
    """The file's content, for people to read too."""
    return msgspec.json.format(msgspec.json.encode(promoted), indent=2) + b"\n"


def decode(content: bytes, source: str) -> Promoted:
    """Read the file strictly; raises ArtefactError that begins with `source`, the file's name."""
    try:
        promoted = msgspec.json.decode(content, type=Promoted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise ArtefactError(f"{source}: not a list of promoted models: {e}; delete it and promote again") from e
    for state in (promoted.serving, *promoted.earlier):
        for name in state.names():
            check_name(name, source)
        for pair in state.pairs:
            check_pair(pair, source)
    return promoted
