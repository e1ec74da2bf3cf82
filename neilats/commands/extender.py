"""`neilats extender`."""

from pathlib import Path
from typing import Any

import click

from neilats.commands.service import ServiceCommand, general_options, read_settings, setting
from neilats.settings import ExtenderSettings

__all__ = ["command"]

EPILOG = """\b
Examples:
  neilats extender --cluster kubeconfig --kubeconfig ~/.kube/config --shadow
  neilats extender --cluster none --nodes gateway=10.0.0.1,node-1=10.0.0.2
  neilats extender --config /etc/neilats/neilats.yaml -s window_slots=128
"""


@click.command("extender", cls=ServiceCommand, settings=ExtenderSettings, epilog=EPILOG)
@general_options
@setting(ExtenderSettings, "listen", metavar="HOST:PORT")
@setting(ExtenderSettings, "webhook_listen", metavar="HOST:PORT")
@setting(ExtenderSettings, "cluster", metavar="KIND")
@setting(
    ExtenderSettings, "kubeconfig", metavar="FILE", note="Only this names one: the variable KUBECONFIG is not read."
)
@setting(ExtenderSettings, "nodes", metavar="NAME=ADDRESS,...")
@setting(ExtenderSettings, "profile", metavar="NAME")
@setting(ExtenderSettings, "interval_s", metavar="SECONDS")
@setting(ExtenderSettings, "shadow", flag="--shadow/--no-shadow", is_flag=True)
def command(config: Path | None, assignments: tuple[str, ...], **flags: Any) -> int:
    """Run the extender: take the probers' reports, and tell kube-scheduler which nodes keep a pod's promise.

    It listens for kube-scheduler on the loopback only, and for probers, people and metrics on another port.
    """
    from extender.service import PARSERS, main
    from neilats.log import setup_logging

    settings: ExtenderSettings = read_settings("extender", config, assignments, flags, PARSERS)
    setup_logging(settings.log_level, settings.log_format)
    return main(settings)
