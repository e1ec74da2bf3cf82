"""`neilats selftest`: place a real pod through the scheduler and say why it landed where it did."""

from typing import TYPE_CHECKING

import click

from neilats.commands.asking import run

if TYPE_CHECKING:
    from neilats.selftest import Plan

__all__ = ["command"]

EPILOG = """\b
Examples:
  neilats selftest --namespace neilats --image localhost/neilats:0.1.0
  neilats selftest --namespace neilats --image localhost/neilats:0.1.0 --kubeconfig ~/.kube/config
"""


@click.command("selftest", epilog=EPILOG)
@click.option("--namespace", required=True, metavar="NAME", help="Where neilats runs, and where the pod is made.")
@click.option("--image", required=True, metavar="IMAGE", help="The image of neilats, which the pod runs.")
@click.option("--scheduler-name", default="neilats-scheduler", show_default=True, help="The pod's schedulerName.")
@click.option("--pull-policy", default="IfNotPresent", show_default=True, help="The pod's imagePullPolicy.")
@click.option("--pull-secret", "pull_secrets", multiple=True, metavar="NAME", help="One of its imagePullSecrets.")
@click.option("--own-pod", default="", metavar="NAME", help="The pod that this runs in; it then goes with the probers.")
@click.option("--timeout-s", type=click.FloatRange(1), default=60.0, show_default=True, help="Time to be placed in.")
@click.option(
    "--kubeconfig", default="", metavar="FILE", help="How to reach the API server; from within a pod nothing."
)
def command(
    namespace: str,
    image: str,
    scheduler_name: str,
    pull_policy: str,
    pull_secrets: tuple[str, ...],
    own_pod: str,
    timeout_s: float,
    kubeconfig: str,
) -> None:
    """Make a pod that wants to be near a prober's node, wait until it is placed, say why there, and delete it.

    Exit status 1 if it is not placed, or not by what neilats measures. `helm test` runs this in the cluster.
    """
    from neilats.selftest import Plan

    plan = Plan(namespace, scheduler_name, image, pull_policy, pull_secrets, own_pod, timeout_s)
    run(_selftest(plan, kubeconfig))


async def _selftest(plan: "Plan", kubeconfig: str) -> None:
    from extender.cluster.api import ApiError
    from extender.cluster.base import ClusterError
    from extender.cluster.kube import KubeApi
    from neilats.selftest import SelfTestError, run_selftest

    try:
        api = await KubeApi.open(kubeconfig)
    except ClusterError as e:
        raise click.ClickException(str(e)) from e
    try:
        await run_selftest(api, plan, click.echo)
    except SelfTestError as e:
        raise click.ClickException(str(e)) from e
    except ApiError as e:
        raise click.ClickException(f"the API server: {e}") from e
    finally:
        await api.close()
