"""What a command shows an extender, and whom it trusts: a token, a client certificate, a CA; and their options."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import click

if TYPE_CHECKING:
    import ssl

__all__ = ["NOTHING", "Access", "access_options"]

F = TypeVar("F", bound=Callable[..., Any])

_FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False, readable=True)


@dataclass(frozen=True)
class Access:
    """A bearer token, and PEM files: the CA of the extender, our certificate and its key. All may be missing."""

    token: str = field(default="", repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The header of a request."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def tls(self) -> "ssl.SSLContext | None":
        """How to verify an extender and what to show it; None: by the system's CAs. Raises AccessError."""
        if self.ca_file is None and self.cert_file is None:
            return None
        from neilats.commands.errors import AccessError
        from prober.trust import trusting, trusting_the_system

        try:
            context = trusting(self.ca_file.read_bytes()) if self.ca_file else trusting_the_system()
        except (OSError, ValueError) as e:
            raise AccessError(f"--ca-file {self.ca_file}: {_why(e)}; expected certificates in PEM") from e
        try:
            if self.cert_file is not None:
                context.load_cert_chain(self.cert_file, self.key_file)
        except (OSError, ValueError) as e:
            files = f"--cert-file {self.cert_file}" + (f", --key-file {self.key_file}" if self.key_file else "")
            raise AccessError(f"{files}: {_why(e)}; expected a certificate and its key in PEM") from e
        return context


NOTHING: Final = Access()
"""For a listener that asks for nothing."""


def access_options(command: F) -> F:
    """`--token-file`, `--ca-file`, `--cert-file` and `--key-file`, handed to the command as `access`."""

    @wraps(command)
    def with_access(
        *args: Any, token_file: Path | None, cert_file: Path | None, key_file: Path | None, **more: Any
    ) -> Any:
        if key_file is not None and cert_file is None:
            raise click.UsageError("--key-file needs --cert-file, the certificate that it belongs to.")
        token = _token(token_file)
        return command(*args, access=Access(token, more.pop("ca_file"), cert_file, key_file), **more)

    found: Any = with_access
    for option in reversed(_OPTIONS):
        found = option(found)
    return cast(F, found)


def _option(name: str, text: str, env: str | None = None) -> Callable[[Any], Any]:
    return click.option(name, metavar="FILE", type=_FILE, envvar=env, show_envvar=env is not None, help=text)


_OPTIONS: Final = (
    _option("--token-file", "Bearer token; else NEILATS_TOKEN holds the token itself.", "NEILATS_TOKEN_FILE"),
    _option("--ca-file", "CA (PEM) that signed the extender's certificate; the system's if none.", "NEILATS_CA_FILE"),
    _option("--cert-file", "Client certificate (PEM) to show in place of a token."),
    _option("--key-file", "Its private key (PEM), if that is in another file."),
)


def _token(file: Path | None) -> str:
    """The token from its file, else from the environment; one word, or none."""
    source = f"--token-file {file}" if file else "NEILATS_TOKEN"
    try:
        token = (file.read_text(encoding="ascii") if file else os.environ.get(source, "")).strip()
    except (OSError, ValueError) as e:
        raise click.UsageError(f"{source}: {_why(e) if isinstance(e, OSError) else 'it holds no token'}") from e
    if file and not token:
        raise click.UsageError(f"{source}: it is empty")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise click.UsageError(f"{source}: it holds no token: expected one word")
    return token


def _why(error: Exception) -> str:
    """The reason without the path, which the caller names."""
    return getattr(error, "strerror", None) or str(error)
