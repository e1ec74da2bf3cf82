"""Kubernetes label selectors: `app=db,tier in (a, b),!legacy` as an object that labels can be matched against.

The grammar is that of `kubectl -l`: `k=v`, `k==v`, `k!=v`, `k in (v, w)`, `k notin (v, w)`, `k`, `!k`, joined by commas
that mean *and*. As in Kubernetes, `!=` and `notin` also hold where the label is absent.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from extender.quoting import quoted

__all__ = ["EVERY", "Requirement", "Selector", "SelectorError", "parse_selector"]

Operator = Literal["in", "notin", "exists", "absent"]

_NAME: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_PREFIX: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_PREFIX_MAX: Final = 253
_KEY: Final = r"(?P<key>[^\s!=<>(),]+)"
_FORMS: Final = tuple(
    re.compile(form)
    for form in (
        rf"{_KEY}\s*(?P<op>==?|!=)\s*(?P<values>[^=!<>(),\s]*)",
        rf"{_KEY}\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)",
        rf"(?P<op>!?)\s*{_KEY}",
    )
)
_OPERATORS: Final[Mapping[str, Operator]] = {
    "=": "in",
    "==": "in",
    "!=": "notin",
    "in": "in",
    "notin": "notin",
    "": "exists",
    "!": "absent",
}


class SelectorError(ValueError):
    """A text is no label selector; the message names the part and the remedy."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One comma-separated part of a selector; `values` are sorted and belong to `in` and `notin` alone."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels satisfy this part."""
        match self.operator:
            case "in":
                return self.key in labels and labels[self.key] in self.values
            case "notin":
                return self.key not in labels or labels[self.key] not in self.values
            case "exists":
                return self.key in labels
            case _:
                return self.key not in labels

    def __str__(self) -> str:
        if self.operator in ("exists", "absent"):
            return self.key if self.operator == "exists" else f"!{self.key}"
        if len(self.values) == 1:
            return f"{self.key}{'=' if self.operator == 'in' else '!='}{self.values[0]}"
        return f"{self.key} {self.operator} ({','.join(self.values)})"


@dataclass(frozen=True, slots=True)
class Selector:
    """All requirements at once; without any it matches everything. Its text form parses back to an equal selector."""

    requirements: tuple[Requirement, ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels satisfy every requirement."""
        return all(r.matches(labels) for r in self.requirements)

    def __str__(self) -> str:
        return ",".join(str(r) for r in self.requirements)


EVERY: Final = Selector(())
"""Selects everything."""


def parse_selector(text: str) -> Selector:
    """The selector that a text means; raises SelectorError. Blank text selects everything, as in Kubernetes."""
    if not text.strip():
        return EVERY
    return Selector(tuple(_requirement(part.strip()) for part in _parts(text)))


def _parts(text: str) -> Iterator[str]:
    """The text split at the commas outside parentheses; one level, because the grammar has no more."""
    start, inside = 0, False
    for i, char in enumerate(text):
        if char in "()":
            if inside == (char == "("):
                raise SelectorError(f"{quoted(text)}: unbalanced parentheses")
            inside = not inside
        elif char == "," and not inside:
            yield text[start:i]
            start = i + 1
    if inside:
        raise SelectorError(f"{quoted(text)}: a parenthesis is not closed")
    yield text[start:]


def _requirement(part: str) -> Requirement:
    found = next((m for form in _FORMS if (m := form.fullmatch(part))), None)
    if found is None:
        raise SelectorError(
            f"{quoted(part)} is no requirement such as app=db, app!=db, app in (db, cache), app or !app"
        )
    operator = _OPERATORS[found["op"]]
    if operator in ("exists", "absent"):
        return Requirement(_key(found["key"]), operator)
    if found["op"] in ("in", "notin") and not found["values"].strip():
        raise SelectorError(f"{quoted(part)} names no value")
    values = found["values"].split(",")
    return Requirement(_key(found["key"]), operator, tuple(sorted({_value(v.strip()) for v in values})))


def _key(key: str) -> str:
    prefix, slash, name = key.rpartition("/")
    if slash and (len(prefix) > _PREFIX_MAX or not _PREFIX.fullmatch(prefix)):
        raise SelectorError(f"{quoted(key)} is no label key: its prefix must be a lower-case DNS name")
    if not _NAME.fullmatch(name):
        raise SelectorError(
            f"{quoted(key)} is no label key: at most 63 letters, digits, '-', '_' or '.' after the prefix"
        )
    return key


def _value(value: str) -> str:
    if value and not _NAME.fullmatch(value):
        raise SelectorError(f"{quoted(value)} is no label value: at most 63 letters, digits, '-', '_' or '.'")
    return value
