"""What a shop has from its first start on: the market and the tax rates of its settings."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from commercekit.pricing import DuplicateTaxRate

if TYPE_CHECKING:
    from commercekit.app.shop import Shop

__all__ = ["ensure_basics"]


async def ensure_basics(shop: Shop) -> None:
    """Make the default market what the settings say, and add the tax rates that are missing."""
    wanted = shop.settings.market
    await shop.markets.ensure_default(
        code=wanted.code,
        currency=wanted.currency,
        languages=wanted.languages,
        countries=wanted.countries,
        prices_include_tax=wanted.prices_include_tax,
    )
    there = {(rate.tax_class, rate.country) for rate in await shop.pricing.tax_rates()}
    for tax in shop.settings.taxes:
        if (tax.tax_class, tax.country) not in there:
            # Another process may add it just now.
            with contextlib.suppress(DuplicateTaxRate):
                await shop.pricing.add_tax_rate(
                    tax.tax_class, tax.country, None, tax.rate_ppm, tax.name
                )
