"""``commercekit <vendor> fake``: a vendor on a port, until Ctrl-C."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP
from commercekit.cli.output import say
from commercekit.cli.place import Place, pass_place

if TYPE_CHECKING:
    from commercekit.platform.fakes import VendorGroup

__all__ = ["fake_of"]


def fake_of(group: VendorGroup) -> click.Command:
    """The command that plays the vendor of ``group``."""
    name = str(group.name)

    @click.command(epilog=EXIT_CODES_HELP)
    @click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
    @click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=0,
        help="Port to listen on; else the one it had before, or a free one.",
    )
    @click.option(
        "--shop",
        default="http://127.0.0.1:8000",
        show_default=True,
        help="Where the shop is, for vendors who are told once where to send notifications.",
    )
    @pass_place
    def fake(place: Place, *, host: str, port: int, shop: str) -> None:
        """Play the vendor on this machine, by its real protocol and without an account.

        Prints the settings that make a shop talk to it; its keys and books are kept in the data folder,
        under fakes. No money moves. Ctrl-C stops it.
        """
        from commercekit.cli.shop import configuration_of
        from commercekit.platform.fakes import play

        folder = configuration_of(place).fake(name)
        over = threading.Event()
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda *_: over.set())
        where = port or folder.port
        with play(group.make, folder, host=host, port=where, shop=shop.rstrip("/")) as server:
            say(f"{name} is played at {server.address}. These settings are for the shop:\n")
            click.echo(folder.settings.read_text(encoding="utf-8"))
            over.wait()

    return fake
