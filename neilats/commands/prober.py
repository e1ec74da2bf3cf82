"""`neilats prober`."""

import os
from pathlib import Path
from typing import Any

import click

from neilats.commands.service import ServiceCommand, general_options, read_settings, setting
from neilats.settings import ProberSettings

__all__ = ["command"]

EPILOG = """\b
Examples:
  neilats prober --node-name node-1 --extender-url http://neilats-extender:8080
  neilats prober --probe-mode udp -s udp_port=9428 -s timeout_s=1
  NEILATS_INTERVAL_S=5 neilats prober --config /etc/neilats/neilats.yaml
"""


@click.command("prober", cls=ServiceCommand, settings=ProberSettings, epilog=EPILOG)
@general_options
@setting(ProberSettings, "node_name", metavar="NAME")
@setting(ProberSettings, "extender_urls", flag="--extender-url", metavar="URL", multiple=True, note="Repeatable.")
@setting(ProberSettings, "probe_mode", metavar="MODE")
@setting(ProberSettings, "interval_s", metavar="SECONDS")
@setting(ProberSettings, "metrics_listen", metavar="HOST:PORT")
def command(config: Path | None, assignments: tuple[str, ...], **flags: Any) -> int:
    """Run the prober: ping the nodes that the extender names, and report what came back.

    It needs no access to Kubernetes, and without an extender it goes on with its last list.
    """
    settings: ProberSettings = read_settings("prober", config, assignments, flags)
    from neilats.log import setup_logging
    from prober.service import main

    setup_logging(settings.log_level, settings.log_format)
    return main(settings, env=os.environ)
