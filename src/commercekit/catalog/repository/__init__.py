"""Every query of the catalogue; gives models, never rows."""

from commercekit.catalog.repository import (
    attributes,
    bulk,
    groups,
    history,
    lookups,
    media,
    products,
)

__all__ = ["attributes", "bulk", "groups", "history", "lookups", "media", "products"]
