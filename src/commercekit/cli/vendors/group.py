"""``commercekit <vendor> fake``: a vendor on a port, until Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP
from commercekit.cli.output import say
from commercekit.cli.place import Place, pass_place
from commercekit.errors import ConfigurationError

if TYPE_CHECKING:
    from commercekit.app import FakeFolder
    from commercekit.cli.vendors.home import VendorHome
    from commercekit.cli.vendors.server import VendorServer
    from commercekit.cli.vendors.vendor import FakeVendor

__all__ = ["VendorGroup", "play", "vendor_command"]


class VendorGroup(click.RichGroup):
    """The commands around one vendor; ``fake`` is among them."""

    make: Callable[[VendorHome], FakeVendor]
    """Makes the fake; called once for each time it is played."""


def vendor_command(name: str, make: Callable[[VendorHome], FakeVendor]) -> VendorGroup:
    """Commands named ``name``, of which ``fake`` plays the vendor that ``make`` gives.

    For a plugin's ``register_commands``. Commands of your own are added with ``add_command``. Keep what
    ``make`` needs out of the plugin's imports: it is called when somebody plays, commands are made at
    every start.
    """
    group = VendorGroup(name=name, help=f"What a developer needs around {name}.")
    group.make = make

    @group.command(epilog=EXIT_CODES_HELP)
    @click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
    @click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=0,
        help="Port to listen on; else a free one.",
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

        folder = configuration_of(place).fake(name)
        over = threading.Event()
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda *_: over.set())
        where = port or folder.port
        with play(make, folder, host=host, port=where, shop=shop.rstrip("/")) as server:
            say(f"{name} is played at {server.address}. These settings are for the shop:\n")
            click.echo(folder.settings.read_text(encoding="utf-8"))
            over.wait()

    return group


def play(
    make: Callable[[VendorHome], FakeVendor], folder: FakeFolder, *, host: str, port: int, shop: str
) -> VendorServer:
    """A server for the vendor, bound and with its settings written; ``with`` starts it.

    Raises :class:`~commercekit.errors.ConfigurationError` for a port that somebody else has.
    """
    from commercekit.cli.vendors.home import VendorHome
    from commercekit.cli.vendors.server import VendorServer, bound

    try:
        listening = bound(host, port)
    except OSError as error:
        message = f"{folder.name} cannot be played on {host}:{port}: {error.strerror or error}"
        raise ConfigurationError(message) from error
    at = f"{host}:{listening.server_address[1]}"
    home = VendorHome(folder.path, address=f"http://{at}", shop=shop)
    vendor = make(home)
    home.write(folder.settings.name, vendor.settings().encode())
    home.write(folder.address_file.name, at.encode())
    return VendorServer(vendor, home, listening)
