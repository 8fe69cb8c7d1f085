"""The public pages that the processes of this shop share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

import commercekit
from commercekit.storefront import SharedPages

if TYPE_CHECKING:
    from commercekit.app.shop import Shop

__all__ = ["shared_pages"]


def shared_pages(shop: Shop) -> SharedPages | None:
    """The pages that this shop's processes share; ``None`` without a server to share them by."""
    if not shop.cache.is_shared:
        return None
    return SharedPages(
        shop.db,
        shop.cache,
        shop.freshness,
        is_listening=lambda: shop.broadcast.is_listening,
        version=_version(shop),
    )


def _version(shop: Shop) -> str:
    """What a page is made of besides the database: nodes that differ in it do not share."""
    settings = shop.settings
    made_of = (
        commercekit.__version__,
        sorted((each.code, each.version, each.enabled) for each in shop.plugins.views()),
        settings.name,
        settings.environment,
        settings.market,
        settings.taxes,
        settings.pricing,
        settings.web.base_url,
        settings.media,
    )
    return msgspec.json.encode(made_of, enc_hook=str).decode()
