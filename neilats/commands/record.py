"""`neilats record`: what a running extender is told, written as a trace."""

from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neilats.commands.access import Access, access_options
from neilats.commands.asking import as_json_option, console, print_json, run, urls_option

if TYPE_CHECKING:
    from neilats.traces.taking import Taken

__all__ = ["command"]

EPILOG = """\b
Examples:
  neilats record --out monday --duration 3600    an hour of measurements
  neilats replay monday                          and what each profile makes of them
"""


@click.command("record", epilog=EPILOG)
@click.option(
    "--out", metavar="FOLDER", required=True, type=click.Path(path_type=Path, file_okay=False), help="Where to write."
)
@click.option(
    "--duration",
    metavar="SECONDS",
    type=click.FloatRange(0, min_open=True),
    help="How long; until Ctrl-C if not given.",
)
@click.option(
    "--max-mib",
    metavar="N",
    type=click.FloatRange(1),
    default=1024.0,
    show_default=True,
    help="Most that recordings may take in the folder; the oldest are removed.",
)
@urls_option()
@access_options
@as_json_option
def command(out: Path, duration: float | None, max_mib: float, url: str, access: Access, as_json: bool) -> None:
    """Record what an extender is told by its probers, as a trace that `neilats replay` runs.

    It needs no setting of the extender's. To record always, give the extender `record_dir`.
    """
    from neilats.commands.errors import ClientError
    from neilats.traces.taking import Taken, take

    err, taken = console(stderr=True), Taken()
    with err.status("connecting") as status:
        try:
            out.mkdir(parents=True, exist_ok=True)
            work = take(url, out, int(max_mib * 1024 * 1024), taken, lambda: status.update(_so_far(taken)), access)
            run(_limited(work, duration))
        except KeyboardInterrupt:
            pass  # the usual way to end it
        except ClientError as e:
            from neilats.commands.trouble import trouble

            raise trouble(url, e) from e
        except OSError as e:
            raise click.ClickException(f"cannot write to {out}: {e.strerror or e}") from e
    if as_json:
        print_json({"out": str(out), "samples": taken.samples, "bytes": taken.bytes, "breaks": taken.breaks})
    else:
        click.echo(f"{_so_far(taken)} in {out}; replay it with: neilats replay {out}")


async def _limited(work: Coroutine[Any, Any, None], duration: float | None) -> None:
    import asyncio

    with suppress(TimeoutError):
        async with asyncio.timeout(duration):
            await work


def _so_far(taken: "Taken") -> str:
    lost = f", {taken.breaks} interruptions" if taken.breaks else ""
    return f"{taken.samples} samples of {len(taken.nodes)} nodes, {taken.bytes / 1024:.0f} KiB{lost}"
