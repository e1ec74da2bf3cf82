"""What went wrong between a command and an extender, in words that say what to do."""

from typing import Final

import click

from neilats.commands.errors import (
    AccessError,
    ClientError,
    GarbledError,
    HandshakeError,
    HungUpError,
    RefusedError,
    UntrustedError,
)

__all__ = ["trouble"]

_FORWARD: Final = "    kubectl -n neilats port-forward service/neilats-api 8080:8080"

_NO_TOKEN: Final = f"""
  Show it a token for its audience, with --token-file or NEILATS_TOKEN; ACCOUNT is a service account:
    export NEILATS_TOKEN=$(kubectl -n neilats create token ACCOUNT --audience neilats)
  or come through a port-forward, which needs no token:
{_FORWARD}"""

_NO_RIGHT: Final = f"""
  Allow the token's user to read: bind the chart's ClusterRole to its service account
    kubectl create clusterrolebinding neilats-ACCOUNT --clusterrole neilats-viewer --serviceaccount neilats:ACCOUNT
  or come through a port-forward, which needs no token:
{_FORWARD}"""

_UNTRUSTED: Final = r"""
  Name the CA that signed it with --ca-file or NEILATS_CA_FILE. The chart keeps it in a Secret:
    kubectl -n neilats get secret neilats-tls -o jsonpath='{.data.ca\.crt}' | base64 -d > neilats-ca.crt"""

_WRONG_NAME: Final = """
  Ask by a name that it carries: https://localhost:8080 through a port-forward, the Service's name in the cluster."""

_UNREACHABLE: Final = f"""
  Name it with --url or NEILATS_URL. In a cluster, make it reachable from here first:
{_FORWARD}"""


def trouble(url: str, error: ClientError) -> click.ClickException:
    """What went wrong with this extender, and what to do."""
    return click.ClickException(_words(url, error))


def _words(url: str, error: ClientError) -> str:
    match error:
        case AccessError():
            return str(error)
        case GarbledError():
            return f"what answers at {url} is no extender: {error}"
        case RefusedError(status=status):
            return f"the extender at {url} says: {error}" + {401: _NO_TOKEN, 403: _NO_RIGHT}.get(status, "")
        case UntrustedError(wrong_name=wrong_name):
            advice = _WRONG_NAME if wrong_name else _UNTRUSTED
            return f"the certificate of the extender at {url} does not verify: {error}{advice}"
        case HandshakeError():
            return f"no TLS with the extender at {url}: {error}{_without_tls(url)}"
        case HungUpError() if url.startswith("http:"):
            return f"no answer from the extender at {url}: {error}{_with_tls(url)}"
        case _:
            return f"cannot reach the extender at {url}: {error}{_UNREACHABLE}"


def _without_tls(url: str) -> str:
    return (
        f"\n  If it listens without TLS, ask {url.replace('https:', 'http:', 1)}."
        " If it asks for a certificate, show one with --cert-file and --key-file."
    )


def _with_tls(url: str) -> str:
    return f"\n  If it listens with TLS, ask {url.replace('http:', 'https:', 1)}.{_UNTRUSTED}"
