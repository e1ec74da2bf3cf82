"""Runs the demo from its first process to its last words, and makes sure that nothing is left behind."""

import asyncio
import json
import shutil
import signal
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.markup import escape

from neilats.commands import reasons
from neilats.commands.asking import DEFAULT_URL
from neilats.commands.errors import ClientError
from neilats.demo.children import ChildError, Children
from neilats.demo.kubescheduler import NAMESPACE
from neilats.demo.plan import ADDRESSES, PEER, Plan
from neilats.demo.screen import LiveScreen, PlainScreen, Screen, SilentScreen
from neilats.demo.stage import open_stage
from neilats.demo.story import Outcome, Story, StoryError

__all__ = ["play"]

STOPPING: Final = (signal.SIGTERM, signal.SIGHUP)


def play(plan: Plan, out: Console, *, as_json: bool = False) -> int:
    """Play the demo; returns the exit status. The processes' logs are kept only where something went wrong."""
    folder = Path(tempfile.mkdtemp(prefix="neilats-demo-"))
    screen: Screen = SilentScreen() if as_json else _screen(out)
    try:
        outcome = asyncio.run(_play(plan, folder, screen, Console(quiet=True) if as_json else out))
    except (ChildError, StoryError, ClientError, OSError) as e:
        raise click.ClickException(f"the demo failed: {e}\nThe logs of all its processes are in {folder}") from e
    except asyncio.CancelledError:
        _forget(folder)
        return 128 + signal.SIGTERM
    except KeyboardInterrupt:
        _forget(folder)
        click.echo(err=True)
        return 0 if plan.forever else 128 + signal.SIGINT
    _forget(folder)
    if as_json:
        click.echo(json.dumps(asdict(outcome), indent=2))
    return 0


def _screen(out: Console) -> Screen:
    return LiveScreen(out) if out.is_terminal and not out.is_dumb_terminal else PlainScreen(out)


def _forget(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


async def _play(plan: Plan, folder: Path, screen: Screen, out: Console) -> Outcome:
    task = asyncio.current_task()
    assert task is not None
    for number in STOPPING:
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with Children(folder) as children:
        async with open_stage(children, plan) as stage:
            _first_words(plan, stage.url, out)
            with screen:
                outcome = await Story(plan, stage, screen).play()
            _last_words(outcome, out)
    return outcome


def _first_words(plan: Plan, url: str, out: Console) -> None:
    where = "" if url == DEFAULT_URL else f" --url {url}"
    out.print(
        f"[bold]neilats demo[/]: {len(ADDRESSES)} real probers and an extender on this machine, a recorded trace\n"
        f"as the network between them, and a scheduler that places a pod every {plan.decide_every_s:g} s:\n"
        f"near {PEER}, with round trips within {plan.sla_ms:g} ms.",
        soft_wrap=True,
    )
    if not plan.once:
        out.print("[dim]Try while it runs (--forever keeps it running):[/]", soft_wrap=True)
        out.print(f"  neilats score {PEER} --sla-ms {plan.sla_ms:g}{where}", soft_wrap=True)
        out.print(f"  neilats explain {NAMESPACE}/pod-1{where}", soft_wrap=True)
    out.print()


def _last_words(outcome: Outcome, out: Console) -> None:
    """The last decision in two lines, as `neilats explain` says it."""
    decision = outcome.explained
    if decision is None:
        return
    out.print()
    pod = f"{decision['namespace']}/{decision['pod']}"
    out.print(
        f"[bold]{escape(pod)}[/] {escape(reasons.intent(decision))}; {escape(reasons.verdict(decision))}:",
        soft_wrap=True,
    )
    for line in reasons.why(decision):
        out.print(f"  {escape(line)}", soft_wrap=True)
