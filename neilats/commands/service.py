"""What `neilats prober` and `neilats extender` share: settings from file, environment and flags, and their help."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import click

from neilats.settings import ENV_PREFIX, ExtenderSettings, ProberSettings, Settings, SettingsError, load_settings

__all__ = ["ServiceCommand", "SettingsMistake", "general_options", "read_settings", "setting"]

S = TypeVar("S", bound=Settings)
F = TypeVar("F", bound=Callable[..., Any])

_SERVICES: Mapping[str, type[Settings]] = {"prober": ProberSettings, "extender": ExtenderSettings}


class SettingsMistake(click.ClickException):
    """Settings that are wrong, a line for each."""

    exit_code = 2

    def __init__(self, service: str, mistakes: Sequence[str]) -> None:
        self.service, self.mistakes = service, mistakes
        super().__init__("\n".join(mistakes))

    def show(self, file: Any = None) -> None:
        """All mistakes on standard error, and where the settings are explained."""
        count = "a setting is wrong" if len(self.mistakes) == 1 else f"{len(self.mistakes)} settings are wrong"
        click.echo(f"neilats {self.service}: {count}", file=file, err=True)
        for mistake in self.mistakes:
            click.echo(f"  {mistake}", file=file, err=True)
        click.echo(f"See `neilats {self.service} --help` for all settings.", file=file, err=True)


class ServiceCommand(click.Command):
    """A command whose help ends with the table of all its settings."""

    def __init__(self, *args: Any, settings: type[Settings], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._settings = settings

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, then every setting with its default, variable and meaning."""
        super().format_epilog(ctx, formatter)
        rows = self._settings.help_rows()
        with formatter.section("Settings, with their defaults (flags win over variables, these over the file)"):
            formatter.write_dl([(f"{n}={d}", f"{doc}  [{ENV_PREFIX}{n.upper()}]") for n, d, doc in rows], col_max=34)


def general_options(command: F) -> F:
    """`--config` and `--set`."""
    command = click.option(
        "-s", "--set", "assignments", metavar="NAME=VALUE", multiple=True, help="Any setting below; repeatable."
    )(command)
    return click.option(
        "--config",
        metavar="FILE",
        type=click.Path(path_type=Path),
        envvar=f"{ENV_PREFIX}CONFIG",
        show_envvar=True,
        help="YAML file with `name: value` lines; one file may serve both services.",
    )(command)


def setting(kind: type[Settings], name: str, *, flag: str = "", note: str = "", **more: Any) -> Callable[[F], F]:
    """An option for one setting, with the setting's own help text."""
    doc = {n: doc for n, _, doc in kind.help_rows()}[name]
    text = f"{doc[0].upper()}{doc[1:]}." + (f" {note}" if note else "")
    return click.option(flag or f"--{name.replace('_', '-')}", name, default=None, help=text, **more)


def read_settings(
    service: str,
    config: Path | None,
    assignments: Sequence[str],
    flags: Mapping[str, Any],
    parsers: Mapping[str, Callable[[Any], Any]] | None = None,
) -> Any:
    """The service's settings from all their sources; raises SettingsMistake with everything that is wrong."""
    kind = _SERVICES[service]
    mistakes: list[str] = []
    given = _assigned(service, assignments, mistakes) | {k: v for k, v in flags.items() if v not in (None, ())}
    try:
        settings = load_settings(kind, file=config, env=os.environ, flags=given, parsers=parsers)
    except SettingsError as e:
        mistakes += e.mistakes
    if mistakes:
        raise SettingsMistake(service, mistakes)
    return settings


def _assigned(service: str, assignments: Sequence[str], mistakes: list[str]) -> dict[str, str]:
    """The NAME=VALUE pairs; a name of the other service is fine in a shared file, but a mistake here."""
    own = {f.name for f in fields(_SERVICES[service])}
    foreign = {f.name: other for other, kind in _SERVICES.items() for f in fields(kind) if f.name not in own}
    found: dict[str, str] = {}
    for item in assignments:
        name, equals, value = item.partition("=")
        name = name.strip().lower().replace("-", "_")
        if not equals or not name:
            mistakes.append(f"{item!r} (--set): expected NAME=VALUE, such as interval_s=5")
        elif name in foreign:
            mistakes.append(f"{name}={value!r} (--set): a setting of `neilats {foreign[name]}`, not of this service")
        else:
            found[name] = value
    return found
