"""The reasons for which an answer says nothing, as metrics and decisions name them."""

from enum import StrEnum

__all__ = ["Neutral"]


class Neutral(StrEnum):
    """Why an answer says nothing."""

    NO_INTENT = "no_intent"
    INVALID_INTENT = "invalid_intent"
    UNRESOLVED = "unresolved_peer"
    NO_DATA = "no_data"
    DEADLINE = "deadline"
    SHADOW = "shadow"
