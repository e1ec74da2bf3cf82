"""Traces of round trips: read from files and recordings, made for tests, and cut for questions."""

from neilats.traces.trace import Trace, TraceError

__all__ = ["Trace", "TraceError"]
