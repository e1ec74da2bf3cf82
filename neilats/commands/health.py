"""`neilats health`: whether a service is ready. It is quick to start, because kubelets may ask by it."""

import json
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

import click

from neilats.commands.access import Access, access_options
from neilats.commands.asking import urls_option

__all__ = ["command"]

TIMEOUT_S: Final = 4.0
_MOST_BYTES: Final = 64 * 1024

EPILOG = """\b
Examples:
  neilats health                                 the extender of NEILATS_URL, or the one here
  neilats health --url http://127.0.0.1:9427     a prober, at its metrics_listen
  neilats health --live && echo "the process works"
"""


@click.command("health", epilog=EPILOG)
@click.option("--live", is_flag=True, help="Ask only whether the process works, not whether it is ready.")
@urls_option()
@access_options
@click.pass_context
def command(ctx: click.Context, live: bool, url: str, access: Access) -> None:
    """Say whether an extender or a prober is ready, or what it still lacks; exit status 0 if so, else 1."""
    from neilats.commands.errors import ClientError

    try:
        troubles = _troubles(url, "/healthz" if live else "/readyz", access)
    except ClientError as e:
        from neilats.commands.trouble import trouble

        raise trouble(url, e) from e
    click.echo("\n".join(troubles) or ("alive" if live else "ready"))
    ctx.exit(1 if troubles else 0)


def _troubles(url: str, path: str, access: Access) -> list[str]:
    """A line for each thing that stands against it; raises ClientError."""
    from neilats.commands.errors import GarbledError, RefusedError, failure

    try:
        status, body = _get(url, path, access)
    except HTTPException as e:
        raise (failure(e) if isinstance(e, OSError) else GarbledError(type(e).__name__)) from e
    except (OSError, ValueError) as e:
        raise failure(e) from e
    if status == 200:
        return []
    if status != 503:
        raise RefusedError(status, f"HTTP {status} at {path}")
    return _lines(body) or [f"HTTP {status}"]


def _get(url: str, path: str, access: Access) -> tuple[int, bytes]:
    """Status and body of one answer; raises OSError and HTTPException."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection = (
        HTTPSConnection(host, parts.port, timeout=TIMEOUT_S, context=access.tls())
        if parts.scheme == "https"
        else HTTPConnection(host, parts.port, timeout=TIMEOUT_S)
    )
    try:
        connection.request("GET", parts.path + path, headers=access.headers | {"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read(_MOST_BYTES)
    finally:
        connection.close()


def _lines(body: bytes) -> list[str]:
    """An extender answers in JSON, each trouble by its name; a prober in words."""
    text = body.decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if isinstance(found, dict):
        return [f"{name}: {why}" for name, why in found.items() if name != "status"]
    return text.split("\n")[:1] if text.strip() else []
