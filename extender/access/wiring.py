"""Who may write rows and who may ask, put together as the settings say."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from extender.access.budget import Budget
from extender.access.caller import Caller
from extender.access.guard import Callers, guard
from extender.access.nodes import NodeFinder
from extender.access.rights import AccessReviewer
from extender.access.senders import TokenSenders, by_address
from extender.access.tokens import TokenReviewer
from extender.calls import REPORT
from extender.cluster.api import Api
from extender.cluster.base import Cluster, ClusterError
from extender.metrics import Metrics
from extender.networks import Networks
from extender.owners import Owners, RowOwners, Sender, TokenOwners
from neilats.settings import ExtenderSettings

__all__ = ["Access", "open_access"]

OPEN: Final = {"metrics": ("/metrics",), "health": ("/healthz", "/readyz")}


@dataclass(frozen=True)
class Access:
    """Who writes which row, how a report's sender is found, and the middlewares before the other calls."""

    owners: Owners
    sender: Callable[[Caller], Awaitable[Sender]]
    guards: Sequence[Any]


def open_access(
    settings: ExtenderSettings,
    cluster: Cluster,
    metrics: Metrics,
    clock: Callable[[], float],
    wall: Callable[[], float] = time.time,
) -> Access:
    """The access rules of the settings; raises ClusterError where they need an API server and there is none.

    `clock` gives monotonic seconds, `wall` seconds since 1970.
    """
    by_token, guarded = settings.report_auth == "token", settings.api_auth == "required"
    owners: Owners = RowOwners(cluster, settings.trusted_reporters, settings.fresh_for_s)
    if not by_token and not guarded:
        return Access(owners, by_address, ())
    api = _api(settings, cluster)
    tokens = TokenReviewer(
        api,
        settings.audiences,
        Budget(settings.token_reviews_per_s, clock),
        clock,
        wall,
        lambda outcome: metrics.token_reviews.labels(outcome).inc(),
    )
    sender = by_address
    if by_token:
        owners = TokenOwners()
        sender = TokenSenders(tokens, NodeFinder(api, clock), settings.reporters, settings.audiences[0]).sender
    return Access(owners, sender, [_guard(settings, tokens, api, metrics, clock)] if guarded else [])


def _api(settings: ExtenderSettings, cluster: Cluster) -> Api:
    if cluster.api is None:
        raise ClusterError(
            f"report_auth={settings.report_auth!r} and api_auth={settings.api_auth!r}: tokens are verified by a "
            "cluster's API server, and none was found; set cluster: in-cluster or kubeconfig, or use address and none"
        )
    return cluster.api


def _guard(
    settings: ExtenderSettings, tokens: TokenReviewer, api: Api, metrics: Metrics, clock: Callable[[], float]
) -> Any:
    """The middleware of `api_auth: required`."""
    rights = AccessReviewer(
        api,
        # Of its own: a restart's flood of reports must not keep people out.
        Budget(settings.token_reviews_per_s, clock),
        clock,
        lambda outcome: metrics.access_reviews.labels(outcome).inc(),
    )
    callers = Callers(Networks(settings.trusted_callers), settings.audiences[0], tokens, rights)
    # Reports have a rule of their own.
    return guard(callers.check, {REPORT, *(path for name in settings.open_paths for path in OPEN[name])})
