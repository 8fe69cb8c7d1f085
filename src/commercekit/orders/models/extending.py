"""What of orders takes fields of plugins."""

from __future__ import annotations

from commercekit.platform.extensions import ExtensibleEntity

__all__ = ["EXTENSIBLE"]

EXTENSIBLE = (ExtensibleEntity("order", "orders_order", required=False),)
