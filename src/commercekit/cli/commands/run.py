"""``commercekit run``: the shop, started."""

from __future__ import annotations

import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP
from commercekit.cli.languages import lang_option
from commercekit.cli.place import Place, pass_place

__all__ = ["run"]


@click.command(epilog=EXIT_CODES_HELP)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--processes", type=click.IntRange(1, 64), help="Server processes; else web.processes."
)
@click.option(
    "--safe-mode",
    is_flag=True,
    help="Start without plugins but those in plugins.safe: for the night in which one of them fails.",
)
@click.option(
    "--http-only",
    is_flag=True,
    help="Answer requests and leave facts and jobs to `commercekit worker`; else web.background.",
)
@lang_option
@pass_place
def run(
    place: Place,
    *,
    host: str,
    port: int,
    processes: int | None,
    safe_mode: bool,
    http_only: bool,
    lang: str,
) -> int:
    """Start the shop: database, migrations, demo catalogue if the shop is empty, then the server.

    \b
    commercekit run --config examples/reference-store/commercekit.toml --data .data --port 8000

    Prints the addresses, a staff token for this run, and what to try next. Ctrl-C stops it; after a
    kill -9 the next start finds its data, its database and its port again.

    In safe mode pages, carts, staff and books work; what needs an absent plugin is not offered or
    answers 503, webhooks are asked to come again, and work that would call a provider waits.
    """
    from commercekit.cli.serving.runner import Running, serve

    return serve(
        Running(
            place=place,
            host=host,
            port=port,
            processes=processes,
            safe_mode=safe_mode,
            http_only=http_only,
            lang=lang,
        )
    )
