"""Every query of the catalogue; gives models, never rows."""

from commercekit.catalog.repository import attributes, groups, history, lookups, media, products

__all__ = ["attributes", "groups", "history", "lookups", "media", "products"]
