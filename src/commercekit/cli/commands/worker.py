"""``commercekit worker``: facts and jobs, in processes of their own."""

from __future__ import annotations

import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP
from commercekit.cli.languages import lang_option
from commercekit.cli.place import Place, pass_place

__all__ = ["worker"]


@click.command(epilog=EXIT_CODES_HELP)
@click.option(
    "--processes", type=click.IntRange(1, 64), help="How many processes; else jobs.processes."
)
@click.option(
    "--only",
    type=click.Choice(["consumers", "jobs"]),
    help="Only deliver facts to their consumers, or only do jobs and tick schedules.",
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="PATTERN",
    help="Only jobs of these kinds, such as catalog.*; again for more.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Answer /livez, /readyz and /metrics there; 0 takes a free one. Without it nothing listens.",
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address of that port to listen on."
)
@click.option("--safe-mode", is_flag=True, help="Without plugins but those in plugins.safe.")
@lang_option
@pass_place
def worker(
    place: Place,
    *,
    processes: int | None,
    only: str | None,
    kinds: tuple[str, ...],
    port: int | None,
    host: str,
    safe_mode: bool,
    lang: str,
) -> int:
    """Deliver facts and do jobs, without answering requests; any number of workers share the work.

    \b
    commercekit run --http-only             on the nodes that answer requests
    commercekit worker --processes 2        on those that do the rest
    commercekit worker --only jobs --kind 'catalog.*' --port 9100

    SIGTERM or Ctrl-C: it takes nothing new, finishes what is under way for as long as jobs.grace, and
    gives the rest back to the others at once; a second one gives it back without waiting. A process
    that dies is replaced, and what it held is taken over.
    """
    from commercekit.cli.working.runner import Working, work_until_told

    if kinds and only == "consumers":
        message = "--kind chooses among jobs, and --only consumers leaves them out"
        raise click.UsageError(message)
    return work_until_told(
        Working(
            place=place,
            lang=lang,
            processes=processes,
            only=only,
            kinds=kinds,
            host=host,
            port=port,
            safe_mode=safe_mode,
        )
    )
