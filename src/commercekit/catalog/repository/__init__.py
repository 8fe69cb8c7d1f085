"""Every query of the catalogue; gives models, never rows."""

from commercekit.catalog.repository import groups, lookups, media, products

__all__ = ["groups", "lookups", "media", "products"]
