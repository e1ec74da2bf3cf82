"""What a setting is: a field with its default, its parser and its help text."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Self

from neilats import parse

__all__ = ["Settings", "SettingsError", "setting"]


class SettingsError(ValueError):
    """One or more settings are wrong; `mistakes` holds a line for each."""

    def __init__(self, mistakes: list[str]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(mistakes))


def setting(default: Any, parser: Callable[[Any], Any], doc: str) -> Any:
    """A field that can be set."""
    return field(default=default, metadata={"parse": parser, "doc": doc})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What both services share."""

    log_level: str = setting("info", parse.choice("debug", "info", "warning", "error"), "least level that is logged")
    log_format: str = setting("kv", parse.choice("kv", "json"), "log lines as key=value or JSON")
    interval_s: float = setting(10.0, parse.number(0.05, 3600), "seconds between two samples of a path")

    def mistakes(self) -> list[str]:
        """What is wrong between settings that are each right by themselves; a line has each of them as NAME=VALUE."""
        return []

    @classmethod
    def help_rows(cls) -> list[tuple[str, str, str]]:
        """(name, default, doc) of every setting, for `--help` and the documentation."""
        return [(f.name, _shown(f.default), f.metadata["doc"]) for f in fields(cls)]

    def replace(self, **changes: Any) -> Self:
        """A copy with some settings changed, checked as a whole."""
        changed = type(self)(**{f.name: changes.get(f.name, getattr(self, f.name)) for f in fields(self)})
        if found := changed.mistakes():
            raise SettingsError(found)
        return changed


def _shown(default: Any) -> str:
    if isinstance(default, tuple):
        return ",".join(str(d) for d in default)
    return "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)
