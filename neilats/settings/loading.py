"""Settings from a YAML file, `NEILATS_*` variables and flags, in rising precedence, with every mistake at once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml

from neilats.settings.base import Settings, SettingsError
from neilats.settings.extender import ExtenderSettings
from neilats.settings.prober import ProberSettings

__all__ = ["ENV_PREFIX", "load_settings"]

ENV_PREFIX: Final = "NEILATS_"
_NAMED: Final = re.compile(r"\b(\w+)=")

S = TypeVar("S", bound=Settings)


def load_settings(
    kind: type[S],
    *,
    file: Path | None = None,
    env: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
    parsers: Mapping[str, Callable[[Any], Any]] | None = None,
) -> S:
    """Settings of a service from its sources; raises SettingsError with every mistake at once.

    `parsers` replace a field's own where only the caller knows what is allowed, such as the names of the profiles.
    """
    known = {f.name: f.metadata["parse"] for f in fields(kind)} | dict(parsers or {})
    read = _Reader(known, file)
    read.take("environment", _from_env(env or {}))
    read.take("flag", {k: v for k, v in (flags or {}).items() if v is not None})
    settings = kind(**read.values)
    read.mistakes += [m for m in settings.mistakes() if read.unknown.isdisjoint(_NAMED.findall(m))]
    if read.mistakes:
        raise SettingsError(read.mistakes)
    return settings


class _Reader:
    """Takes one source after the other; `unknown` are the settings whose value could not be read."""

    def __init__(self, parsers: Mapping[str, Callable[[Any], Any]], file: Path | None) -> None:
        self._parsers = parsers
        self.values: dict[str, Any] = {}
        self.mistakes: list[str] = []
        raw = _read_file(file, self.mistakes)
        self.unknown = set(parsers) if self.mistakes else set()
        self.take(str(file), raw)

    def take(self, source: str, raw: Mapping[str, Any]) -> None:
        for name, value in raw.items():
            if name not in self._parsers:
                self.mistakes += _unknown(self._parsers, source, name)
                continue
            try:
                self.values[name] = self._parsers[name](value)
                self.unknown.discard(name)
            except ValueError as e:
                self.unknown.add(name)
                shown = f"{ENV_PREFIX}{name.upper()}" if source == "environment" else name
                self.mistakes.append(f"{shown}={value!r} ({source}): {e}")


def _unknown(parsers: Mapping[str, object], source: str, name: str) -> list[str]:
    """A line for a name that no service knows; one file may serve both services, so the other's names are fine.

    Unknown variables pass: Kubernetes itself injects NEILATS_..._PORT for a Service called neilats.
    """
    everyone = {f.name for k in (ProberSettings, ExtenderSettings) for f in fields(k)}
    if name in everyone or source == "environment":
        return []
    close = get_close_matches(name, sorted(parsers), n=1)
    return [f"{name} ({source}): no such setting" + (f"; did you mean {close[0]}?" if close else "")]


def _from_env(env: Mapping[str, str]) -> dict[str, str]:
    return {k.removeprefix(ENV_PREFIX).lower(): v for k, v in env.items() if k.startswith(ENV_PREFIX)}


def _read_file(file: Path | None, mistakes: list[str]) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as e:
        mistakes.append(f"{file}: {e}")
        return {}
    if raw is not None and not isinstance(raw, dict):
        mistakes.append(f"{file}: expected `name: value` lines, found {type(raw).__name__}")
    return {str(k): v for k, v in raw.items()} if isinstance(raw, dict) else {}
