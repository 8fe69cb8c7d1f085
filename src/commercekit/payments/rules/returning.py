"""Where a shopper may be sent after paying: to the shop, not to whoever made up the address."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from commercekit.payments.errors import ReturnAddressForeign

__all__ = ["check_return"]


def check_return(address: str | None, hosts: Collection[str]) -> None:
    """Raise unless ``address`` leads to one of ``hosts``; without any hosts everything passes.

    A name before ``@`` and a backslash are refused: browsers read them in other ways than libraries do.
    """
    if address is None or not hosts:
        return
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").lower()
    except ValueError:
        raise ReturnAddressForeign from None
    is_odd = "\\" in address or "@" in parts.netloc
    if is_odd or host not in {each.lower() for each in hosts}:
        raise ReturnAddressForeign
