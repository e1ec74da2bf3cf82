"""`neilats explain`: why a pod got its node, and whether its promise is kept there now.

Every replica is asked, because each remembers only what it decided.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import click

from neilats.commands.access import Access, access_options
from neilats.commands.asking import as_json_option, console, print_json, run, urls_option

if TYPE_CHECKING:
    from neilats.commands.client import Answer

__all__ = ["command", "merged"]

EPILOG = """\b
Examples:
  neilats explain shop/cart-7c9f
  neilats explain shop/cart-7c9f --url http://neilats-extender.neilats:8080
  neilats explain shop/cart-7c9f --url http://127.0.0.1:8080 --url http://127.0.0.1:8081 --all
"""

_UNKNOWN_POD: Final = """no extender knows a decision about the pod {pod}, or a promise to it. Check:
  its intent      kubectl get pod -n {ns} {name} -o jsonpath='{{.metadata.annotations}}'
                  needs neilats.io/peer-nodes, peer-services or peer-pods (or the labels nei_node and sla)
  its scheduler   kubectl get pod -n {ns} {name} -o jsonpath='{{.spec.schedulerName}}'
                  must be the scheduler that calls neilats, and the pod must have come after it started
  its age         each replica keeps its latest decisions only, and forgets them when it restarts"""


def _pod(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, str]:
    namespace, _, name = value.rpartition("/")
    if not name or "/" in namespace:
        raise click.BadParameter("expected NAMESPACE/POD, such as shop/cart-7c9f", ctx, param)
    return namespace or "default", name


@click.command("explain", epilog=EPILOG)
@click.argument("pod", metavar="NAMESPACE/POD", callback=_pod)
@urls_option(multiple=True)
@click.option("--all", "everything", is_flag=True, help="Every decision about the pod, and every node, in full.")
@access_options
@as_json_option
def command(pod: tuple[str, str], urls: Sequence[str], everything: bool, access: Access, as_json: bool) -> None:
    """Say why a pod got its node: what it asked for, what was known of every node then, what came of it, and whether
    its promise is kept now.

    All replicas are asked: every URL, and every address behind its name. Forwarding the service's port reaches only
    one of them.
    """
    answers, standing = run(_asked(urls, pod, access))
    decisions = merged(answers)
    silent = {a.where: str(a.error) for a in answers if a.error is not None and not _knows_nothing(a)}
    if not decisions and standing is None:
        raise _nothing(pod, answers)
    for where, why in silent.items():
        click.echo(f"Warning: {where} was not heard ({why}); it may know more.", err=True)
    if as_json:
        print_json({"pod": "/".join(pod), "decisions": decisions, "now": standing, "unheard": silent})
        return
    _print(decisions, standing, everything=everything)


def _print(decisions: Sequence[Mapping[str, Any]], standing: Mapping[str, Any] | None, *, everything: bool) -> None:
    """What was decided, and how the promise stands now; at least one of them is known."""
    from neilats.commands.report import print_decision, print_earlier, print_forgotten, print_standing

    out, now = console(), time.time()
    for decision in decisions if everything else decisions[:1]:
        print_decision(out, decision, now, everything=everything)
    if not everything:
        print_earlier(out, decisions[1:], now)
    if standing is not None and not decisions:
        print_forgotten(out, standing)
    print_standing(out, standing)


async def _asked(
    urls: Sequence[str], pod: tuple[str, str], access: Access
) -> tuple[list["Answer"], dict[str, Any] | None]:
    """Every replica's decisions about the pod, and how its promise stands."""
    import asyncio

    from neilats.commands.client import ask_all

    decided = ask_all(urls, f"/v1/decisions/{pod[0]}/{pod[1]}", access=access)
    answers, standing = await asyncio.gather(decided, _standing(urls, pod, access))
    return answers, standing


async def _standing(urls: Sequence[str], pod: tuple[str, str], access: Access) -> dict[str, Any] | None:
    """How the placed pod's promise stands, by the first replica that has measured it; None where nobody knows it."""
    from neilats.commands.client import ask_all

    path = "/v1/placements?" + urlencode({"namespace": pod[0], "pod": pod[1]})
    answers = await ask_all(urls, path, access=access)
    rows: list[dict[str, Any]] = [row for answer in answers for row in (answer.body or {}).get("pods", ())]
    return min(rows, key=lambda row: row["state"] == "unmeasured", default=None)


def merged(answers: Iterable["Answer"]) -> list[dict[str, Any]]:
    """All replicas' decisions, newest first, each once, with the replica that it came from."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for answer in answers:
        for decision in (answer.body or {}).get("decisions", ()):
            found.setdefault(_identity(decision), {**decision, "replica": answer.where})
    return sorted(found.values(), key=lambda d: -d["time"])


def _identity(decision: Mapping[str, Any]) -> tuple[Any, ...]:
    """The same replica may be met under two addresses."""
    return decision["time"], decision["number"], decision["uid"]


def _knows_nothing(answer: "Answer") -> bool:
    from neilats.commands.errors import RefusedError

    return isinstance(answer.error, RefusedError) and answer.error.status == 404


def _nothing(pod: tuple[str, str], answers: Sequence["Answer"]) -> click.ClickException:
    """Nobody could be asked, or nobody knows the pod."""
    failed = [a for a in answers if a.error is not None and not _knows_nothing(a)]
    if len(failed) == len(answers) and failed[0].error is not None:
        from neilats.commands.trouble import trouble

        return trouble(failed[0].url, failed[0].error)
    text = _UNKNOWN_POD.format(pod="/".join(pod), ns=pod[0], name=pod[1])
    unheard = "".join(f"\n  not heard       {a.where}: {a.error}" for a in failed)
    return click.ClickException(text + unheard)
