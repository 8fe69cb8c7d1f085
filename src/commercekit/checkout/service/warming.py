"""Reading ahead what quotes ask for, so that a shop which has just begun is not slow for its first shoppers."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from commercekit.platform.loops import Loop, running

if TYPE_CHECKING:
    from commercekit.catalog import CatalogService
    from commercekit.checkout.service.shelf import Shelf
    from commercekit.markets import MarketService
    from commercekit.platform.bus import Broadcast

__all__ = ["Warming"]

_PAGE = 250
_LOOK_AGAIN = 5.0


class Warming:
    """Fills the shelf page by page in the background, and again when much of it was forgotten at once.

    The default market only: whoever sells in many would have each push the others out.
    """

    def __init__(
        self, broadcast: Broadcast, markets: MarketService, catalog: CatalogService, shelf: Shelf
    ) -> None:
        self._broadcast = broadcast
        self._markets = markets
        self._catalog = catalog
        self._shelf = shelf
        self._seen = -1
        self._after: str | None = ""
        self._left = 0
        self._loop = Loop("checkout-warming", self.step, poll=_LOOK_AGAIN)

    def running(self) -> AbstractAsyncContextManager[None]:
        """Do it for as long as the block lasts."""
        return running([self._loop])

    async def step(self) -> bool:
        """Read one page ahead; gives whether there is more to read."""
        if not self._broadcast.is_listening:  # nothing would be kept
            return False
        if self._seen != self._shelf.emptied:
            self._seen, self._after, self._left = self._shelf.emptied, "", self._shelf.room
        if self._after is None:
            return False
        skus = await self._catalog.skus_for_sale(after=self._after, limit=min(_PAGE, self._left))
        if skus:
            await self._shelf.read_ahead(await self._markets.default(), skus)
        self._left -= len(skus)
        self._after = skus[-1] if len(skus) == _PAGE and self._left > 0 else None
        return self._after is not None
