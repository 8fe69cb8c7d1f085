"""``commercekit demo``: a whole purchase, over HTTP, narrated."""

from __future__ import annotations

import os

import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP, Failed, NotReachable
from commercekit.cli.languages import lang_option
from commercekit.cli.place import Place, pass_place
from commercekit.cli.serving.server_file import ServerFile

__all__ = ["demo"]

_TOKEN = "COMMERCEKIT_TOKEN"  # noqa: S105 - the name of a variable


@click.command(epilog=EXIT_CODES_HELP)
@click.option("--url", help="Where the shop is; else the one that runs from the data folder.")
@click.option(
    "--token",
    help=f"Staff token (orders, shipments, refunds); else ${_TOKEN}, or that of the run.",
)
@click.option(
    "--pay-with",
    metavar="METHOD",
    help="A way to pay whose page a browser can open; else one of the sandbox gateway.",
)
@lang_option
@pass_place
def demo(
    place: Place, *, url: str | None, token: str | None, pay_with: str | None, lang: str
) -> int:
    """Buy something through the shop's HTTP interface and tell about it.

    List, detail, cart, price, order, payment on the gateway's own page, shipping with the sandbox
    carrier until delivery, and a partial refund. Exit code 0 only if every step held.

    \b
    commercekit demo
    commercekit demo --pay-with METHOD
    commercekit demo --lang zh --url https://shop.example --token ck_…
    """
    from commercekit.cli.demo.client import ShopClient
    from commercekit.cli.demo.narration import Narrator
    from commercekit.cli.demo.purchase import Purchase

    base_url, staff = _shop(place, url, token or os.environ.get(_TOKEN))
    narrator = Narrator(lang)
    client = ShopClient(base_url, staff_token=staff, lang=lang)
    try:
        Purchase(client, narrator, base_url, pay_with).walk()
    except Failed as error:
        message = narrator.text("failed", problem=error.detail)
        raise Failed(message) from error
    finally:
        client.close()
    return 0


def _shop(place: Place, url: str | None, token: str | None) -> tuple[str, str]:
    """Where the shop is and with what staff get in: as told, else as the data folder remembers."""
    from commercekit.cli.shop import configuration_of

    left = None
    if url is None or token is None:
        data = place.data or configuration_of(place).data
        left = ServerFile.read(data)
        if url is None and (left is None or not left.is_alive()):
            message = (
                f"No shop runs from {data}; start one (commercekit run), or name it with --url"
            )
            raise NotReachable(message)
    base_url = url or (left.base_url if left else "")
    staff = token or (left.token if left and left.base_url == base_url else "")
    if not staff:
        message = "The demo ships and refunds as staff: give a token with --token"
        raise click.UsageError(message)
    return base_url.rstrip("/"), staff
