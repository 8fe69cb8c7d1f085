"""A market as everyone above sees it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from commercekit.kernel import CountryCode, CurrencyCode, parse_accept_language

__all__ = ["Market", "MarketCode", "Rounding"]

MarketCode = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,31}$")]


class Rounding(StrEnum):
    """Where tax is rounded: of each piece, of each line, or once for each rate of the whole order."""

    UNIT = "unit"
    LINE = "line"
    TOTAL = "total"


class Market(Struct, frozen=True, kw_only=True):
    """One place to sell in. Ids only: prices, stock and texts map themselves to it."""

    id: UUID
    code: MarketCode
    currency: CurrencyCode
    languages: tuple[str, ...]
    """Best first; the first is the one a shopper gets who reads none of them."""
    countries: tuple[CountryCode, ...]
    """Where we deliver to; empty means everywhere."""
    prices_include_tax: bool
    default: bool
    version: int
    updated_at: datetime
    rounding: Rounding = Rounding.LINE
    hosts: tuple[str, ...] = ()
    """Host names whose visitors shop here."""
    path_prefix: str | None = None
    """``de`` for a market under ``/de/…``."""
    active: bool = True
    """An inactive market takes no new shoppers; what was ordered in it goes on."""

    def language_for(self, accept_language: str | None) -> str:
        """The market's language that serves a reader best; ``zh-CN`` is served ``zh``.

        Always one of :attr:`languages`, so that it can key a cache without a shopper filling it.
        """
        known = {language.lower(): language for language in self.languages}
        for wanted in parse_accept_language(accept_language):
            tag = wanted.lower()
            while tag:
                if tag in known:
                    return known[tag]
                tag = tag.rpartition("-")[0]
        return self.languages[0]

    def delivers_to(self, country: str) -> bool:
        """Whether an address in ``country`` can be ordered to."""
        return not self.countries or country in self.countries
