"""Errors that a caller caused, each with the HTTP status it gets.

RequestError
├── BadRequest            400  what was sent cannot be read; says what and where
├── Unauthenticated       401  no proof of who calls, or one that does not hold
├── Refused               403  the caller may not do this
├── Unknown               404  a node, pair, pod or path that is not known
├── Replayed              409  a report that was applied already
├── TooLarge              413
├── WrongContentType      415
├── NotReady              503  the extender cannot know yet; ask again
└── Busy                  503  the extender has too much to do; ask again later
"""

from collections.abc import Mapping

__all__ = [
    "BadRequest",
    "Busy",
    "NotReady",
    "Refused",
    "Replayed",
    "RequestError",
    "TooLarge",
    "Unauthenticated",
    "Unknown",
    "WrongContentType",
]


class RequestError(Exception):
    """A fault of the request; the text says what is wrong and where."""

    status = 400

    def body(self) -> dict[str, object]:
        """The JSON body of the answer."""
        return {"error": str(self)}

    def headers(self) -> Mapping[str, str]:
        """Headers of the answer beside the usual ones."""
        return {}


class BadRequest(RequestError):
    """What was sent cannot be read."""


class Unauthenticated(RequestError):
    """No proof of who calls, or one that does not hold."""

    status = 401

    def headers(self) -> Mapping[str, str]:
        """Which proof is asked for."""
        return {"WWW-Authenticate": "Bearer"}


class Refused(RequestError):
    """The caller may not do this."""

    status = 403


class Unknown(RequestError):
    """Something named is not known."""

    status = 404


class Replayed(RequestError):
    """A report that was applied already; `last_seq` lets its sender go on behind it."""

    status = 409

    def __init__(self, message: str, last_seq: int) -> None:
        super().__init__(message)
        self.last_seq = last_seq

    def body(self) -> dict[str, object]:
        """The error and the last sequence number that was applied."""
        return {"error": str(self), "last_seq": self.last_seq}


class TooLarge(RequestError):
    """A body above the limit."""

    status = 413


class NotReady(RequestError):
    """The extender cannot know yet; the same request may succeed in a moment."""

    status = 503


class Busy(RequestError):
    """The extender has too much to do; the same request may succeed after `retry_after_s` seconds."""

    status = 503

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s

    def headers(self) -> Mapping[str, str]:
        """When to come back."""
        return {"Retry-After": str(self.retry_after_s)}


class WrongContentType(RequestError):
    """A body that does not say it is JSON."""

    status = 415
