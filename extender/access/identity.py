"""Who a caller is, in the API server's words."""

from collections.abc import Mapping

import msgspec

__all__ = ["NODE_NAME", "POD_NAME", "POD_UID", "Identity"]

NODE_NAME = "authentication.kubernetes.io/node-name"
POD_NAME = "authentication.kubernetes.io/pod-name"
POD_UID = "authentication.kubernetes.io/pod-uid"


class Identity(msgspec.Struct, frozen=True):
    """A user as a token review tells it; `extra` says among other things which pod a token is bound to."""

    username: str = ""  # a rejected token has a user without a name
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = {}

    def first(self, key: str) -> str:
        """The first extra value under a key; empty if there is none."""
        return next(iter(self.extra.get(key, ())), "")

    @property
    def namespace(self) -> str:
        """The namespace of a service account; empty for other users."""
        kind, _, rest = self.username.partition(":serviceaccount:")
        return rest.partition(":")[0] if kind == "system" else ""
