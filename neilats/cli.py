"""The command `neilats`: finds the subcommand, and turns what can go wrong into one line and an exit status."""

import errno
import os
import signal
import sys
from collections.abc import Sequence

import click

from neilats import __version__
from neilats.commands.group import LazyGroup

__all__ = ["cli", "main"]

EPILOG = """\b
Examples:
  neilats demo                       see it work here: no cluster, no root
  neilats score gateway --sla-ms 20  which node is best for a pod near `gateway`
  neilats explain shop/cart-7c9f     why a pod got its node
  neilats extender --help            a service's settings, all of them
"""


@click.group(
    cls=LazyGroup,
    lazy={
        "demo": ("neilats.commands.demo", "Watch real probers and an extender move a choice, on this machine."),
        "score": ("neilats.commands.score", "Score every node by its path to one node."),
        "explain": ("neilats.commands.explain", "Say why a pod got its node."),
        "doctor": ("neilats.commands.doctor", "Say what keeps neilats from working in a cluster."),
        "matrix": ("neilats.commands.matrix", "Show the measured round trips between all nodes."),
        "health": ("neilats.commands.health", "Say whether an extender or a prober is ready."),
        "record": ("neilats.commands.record", "Record what an extender is told, as a trace."),
        "replay": ("neilats.commands.replay", "Replay a trace: how often would each profile keep the SLA?"),
        "selftest": ("neilats.commands.selftest", "Place a real pod through the scheduler, and say why it is there."),
        "models": ("neilats.commands.models", "List, promote and import forecasting models."),
        "prober": ("neilats.commands.prober", "Run the prober: measure the paths from this node."),
        "extender": ("neilats.commands.extender", "Run the extender: score nodes for kube-scheduler."),
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=EPILOG,
)
@click.version_option(__version__, prog_name="neilats", message="%(prog)s %(version)s")
def cli() -> None:
    """Place pods near their neighbours: measure the network between nodes, score nodes by it, and say why."""


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0 good, 1 failed, 2 misused, 130 interrupted."""
    try:
        status = cli.main(args, prog_name="neilats", standalone_mode=False)
    except click.ClickException as e:
        e.show()
        return e.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo(err=True)
        return 128 + signal.SIGINT
    except OSError as e:
        if e.errno != errno.EPIPE:
            raise
        # The reader, such as `head`, has gone; without this the interpreter complains when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return int(status or 0)
