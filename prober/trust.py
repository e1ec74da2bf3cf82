"""Whom a client of an extender trusts: the CAs of a file, or the system's."""

import ssl

__all__ = ["trusting", "trusting_nobody", "trusting_the_system"]


def trusting(raw: bytes) -> ssl.SSLContext:
    """A context that trusts these CAs (PEM) alone; raises ValueError or OSError where there is none.

    Each of them ends a chain, also where it is itself signed by another one.
    """
    if b"-----BEGIN" not in raw:
        raise ValueError("it holds no certificate in PEM")
    context = trusting_nobody()
    context.load_verify_locations(cadata=raw.decode("ascii", "ignore"))  # comments may hold other letters
    return context


def trusting_the_system() -> ssl.SSLContext:
    """A context that trusts the system's CAs."""
    context = trusting_nobody()
    context.load_default_certs()
    return context


def trusting_nobody() -> ssl.SSLContext:
    """A context that verifies names and certificates, and knows no CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
