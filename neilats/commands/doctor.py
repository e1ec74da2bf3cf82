"""`neilats doctor`: reads the cluster, and says what keeps neilats from working and what mends it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from neilats.commands.asking import as_json_option, console, print_json, run

if TYPE_CHECKING:
    from neilats.doctor.checks import Report

__all__ = ["command"]

EPILOG = """\b
Examples:
  neilats doctor                                    with $KUBECONFIG or ~/.kube/config, or in a pod
  neilats doctor --kubeconfig admin.conf --json
  neilats doctor --watch 0                          look at the counters once: quicker, and says less

\b
Exit status: 0 nothing is wrong, 1 something is, 2 the cluster cannot be asked.
docs/doctor.md lists the checks, and the rights that they need.
"""

_CANNOT_ASK: Final = 2


class _CannotAskError(click.ClickException):
    exit_code = _CANNOT_ASK


@click.command("doctor", epilog=EPILOG)
@click.option(
    "--kubeconfig",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="The cluster; by default that of the pod this runs in, else of $KUBECONFIG or ~/.kube/config.",
)
@click.option("-n", "--namespace", metavar="NAME", default="", help="Where neilats is; found by its labels.")
@click.option(
    "--watch",
    "watch_s",
    metavar="SECONDS",
    type=click.FloatRange(0, 600),
    default=12.0,
    show_default=True,
    help="Time between two looks at the counters, longer than the probers' interval; 0: look once.",
)
@as_json_option
@click.pass_context
def command(ctx: click.Context, kubeconfig: str | None, namespace: str, watch_s: float, as_json: bool) -> None:
    """Look for what keeps neilats from working in a cluster: what is wrong, why it matters, what mends it.

    Nothing is changed. What may not be read is said, and not checked.
    """
    from neilats.doctor.opening import choose_kubeconfig
    from neilats.doctor.show import print_report

    file = choose_kubeconfig(kubeconfig or "", os.environ, Path.home())
    if file and not Path(file).exists():
        raise _CannotAskError(f"no cluster: {file} does not exist; name a file with --kubeconfig, or run in a pod")
    with console(stderr=True).status("Reading the cluster and, twice, the metrics of neilats ..."):
        report = run(_report(file, namespace, watch_s))
    if as_json:
        print_json(report.as_json())
    else:
        print_report(console(), report)
    ctx.exit(1 if report.findings else 0)


async def _report(file: str, namespace: str, watch_s: float) -> "Report":
    """Ask the cluster; raises a ClickException where it cannot be asked."""
    from extender.cluster.base import ClusterError
    from extender.cluster.kube import KubeApi
    from neilats.doctor.reading import DoctorError
    from neilats.doctor.visit import visit

    try:
        api = await KubeApi.open(file)
    except ClusterError as e:
        raise _CannotAskError(str(e)) from e
    try:
        return await visit(api, namespace, watch_s)
    except DoctorError as e:
        raise _CannotAskError(str(e)) from e
    finally:
        await api.close()
