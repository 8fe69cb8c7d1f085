"""Every query of the catalogue; gives models, never rows."""

from commercekit.catalog.repository import (
    adding,
    attributes,
    bulk,
    costs,
    groups,
    history,
    lookups,
    media,
    products,
)

__all__ = [
    "adding",
    "attributes",
    "bulk",
    "costs",
    "groups",
    "history",
    "lookups",
    "media",
    "products",
]
