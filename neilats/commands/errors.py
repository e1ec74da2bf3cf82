"""Why an extender could not be asked.

ClientError
├── UnreachableError   no connection, or no answer in time
├── HungUpError        it closed the connection without an answer, as a TLS listener does with plain HTTP
├── HandshakeError     no agreement on TLS
├── UntrustedError     its certificate does not verify; `wrong_name` if only because it is for other names
├── RefusedError       an answer that is an error; holds the status and what the extender says
├── GarbledError       an answer that is no extender's
└── AccessError        what we would show it, or verify it by, is of no use
"""

import errno
import os
import ssl
from typing import Final

__all__ = [
    "AccessError",
    "ClientError",
    "GarbledError",
    "HandshakeError",
    "HungUpError",
    "RefusedError",
    "UnreachableError",
    "UntrustedError",
    "failure",
]

_WRONG_NAME: Final = (62, 63, 64)
"""OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH, _EMAIL_MISMATCH and _IP_ADDRESS_MISMATCH."""


class ClientError(Exception):
    """An extender could not be asked."""


class UnreachableError(ClientError):
    """Nobody answers at this URL."""


class HungUpError(ClientError):
    """Whoever listens there does not answer."""


class HandshakeError(ClientError):
    """TLS could not be agreed upon."""


class UntrustedError(ClientError):
    """The extender's certificate does not verify."""

    def __init__(self, message: str, *, wrong_name: bool) -> None:
        self.wrong_name = wrong_name
        super().__init__(message)


class RefusedError(ClientError):
    """The extender answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class GarbledError(ClientError):
    """Whatever answers there is no extender."""


class AccessError(ClientError):
    """The caller's own CA or certificate cannot be used."""


def failure(error: Exception) -> ClientError:
    """What an error of a connection means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return UntrustedError(error.verify_message, wrong_name=error.verify_code in _WRONG_NAME)
    if isinstance(error, ssl.SSLError):
        return HandshakeError((error.reason or str(error)).replace("_", " ").lower())
    if isinstance(error, ConnectionResetError):
        return HungUpError("it closed the connection without an answer")
    return UnreachableError(_why(error))


def _why(error: Exception) -> str:
    """The system's own words where there are any."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number in errno.errorcode:
        return os.strerror(number)
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
