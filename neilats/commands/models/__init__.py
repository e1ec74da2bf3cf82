"""`neilats models`: the models that forecast, and which of them serve."""

import click

from neilats.commands.group import LazyGroup

__all__ = ["command"]

EPILOG = """\b
Examples:
  neilats models list                             what there is, and what serves
  neilats models promote lan-32x2                 let a model serve every pair
  neilats models rollback                         let serve what served before
  neilats models train rtt_ms.npz --name lab      a network from recorded data
  neilats models evaluate lab rtt_ms.npz --start 250
  neilats models import lstm_a2b.pth scaler_a2b.pkl
"""


@click.group(
    "models",
    cls=LazyGroup,
    lazy={
        "list": ("neilats.commands.models.list", "List the models and what serves."),
        "show": ("neilats.commands.models.show", "Verify a model and show its manifest."),
        "promote": ("neilats.commands.models.promote", "Let a model serve, after a trial run."),
        "rollback": ("neilats.commands.models.rollback", "Let serve what served before."),
        "import": ("neilats.commands.models.importing", "Import a pair's files of the old plugin."),
        "train": ("neilats.commands.models.train", "Train a network from recorded data."),
        "evaluate": ("neilats.commands.models.evaluate", "Compare a model with naive forecasts."),
        "convert": ("neilats.commands.models.convert", "Convert a pair's old files to ONNX only."),
    },
    epilog=EPILOG,
)
def command() -> None:
    """Forecasting models: an ONNX file and its manifest each, in one directory, and which of them serve.

    An extender that uses the directory takes over what is promoted within seconds, without a restart.
    """
