"""`neilats demo`: the whole system at work on this machine."""

import click

from neilats.commands.asking import as_json_option, console

__all__ = ["command"]

EPILOG = """\b
Examples:
  neilats demo             about 20 s: a link worsens, and the choice moves
  neilats demo --once      until the first decision from real measurements
  neilats demo --forever   goes on, to try `neilats score` and `explain` on it
"""


@click.command("demo", epilog=EPILOG)
@click.option("--once", is_flag=True, help="End after the first full decision.")
@click.option("--forever", is_flag=True, help="Go on after the story, until Ctrl-C.")
@click.option(
    "--seconds",
    metavar="N",
    type=click.FloatRange(1, 3600),
    default=60.0,
    show_default=True,
    help="Fail if the story has not come to its end by then.",
)
@as_json_option
def command(once: bool, forever: bool, seconds: float, as_json: bool) -> int:
    """Watch neilats at work on this machine: no root, no cluster, no network.

    Five real probers measure each other over loopback addresses, with a recorded trace as the network between them; a
    real extender scores four of them for pods that want to be near the fifth. Then the link of the chosen one worsens.
    """
    if once and forever:
        raise click.UsageError("--once and --forever contradict each other")
    from neilats.demo.plan import Plan
    from neilats.demo.play import play

    return play(Plan(once=once, forever=forever, limit_s=seconds), console(), as_json=as_json)
