"""What of the catalogue takes fields of plugins."""

from __future__ import annotations

from commercekit.platform.extensions import ExtensibleEntity

__all__ = ["EXTENSIBLE"]

EXTENSIBLE = (
    ExtensibleEntity("product", "catalog_product"),
    ExtensibleEntity("variant", "catalog_variant"),
)
