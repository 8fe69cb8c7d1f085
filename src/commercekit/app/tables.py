"""Which tables a shop has: the core's and the plugins', and which of them hold what is sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commercekit import checkout, customers, identity, notifications, orders, payments
from commercekit.fulfilment import SEALED as FULFILMENT_SEALED
from commercekit.platform.http import SEALED as IDEMPOTENCY_SEALED
from commercekit.platform.plugins.hookspecs import register_piccolo_apps
from commercekit.platform.security import SealedTable
from commercekit.platform.webhooks import SEALED as WEBHOOKS_SEALED

if TYPE_CHECKING:
    from commercekit.app.configuration import ShopConfiguration

__all__ = ["SEALED", "piccolo_apps"]

SEALED: tuple[SealedTable, ...] = (
    *IDEMPOTENCY_SEALED,
    *WEBHOOKS_SEALED,
    *payments.SEALED,
    *FULFILMENT_SEALED,
    *notifications.SEALED,
    *identity.SEALED,
    *customers.SEALED,
    *orders.SEALED,
    *checkout.SEALED,
)
"""Every table with personal fields; each has a data key of its own."""

_CORE_APPS = (
    "platform.security",
    "platform.counters",
    "platform.http",
    "platform.bus",
    "platform.cache",
    "platform.jobs",
    "platform.plugins",
    "platform.months",
    "platform.limits",
    "platform.webhooks",
    "notifications",
    "identity",
    "markets",
    "customers",
    "catalog",
    "pricing",
    "inventory",
    "payments",
    "fulfilment",
    "promotions",
    "orders",
    "storefront",
    "checkout",
)


def piccolo_apps(configuration: ShopConfiguration | None = None) -> list[str]:
    """The Piccolo apps of the core and of the enabled plugins, lower layers first."""
    apps = [f"commercekit.{name}.piccolo_app" for name in _CORE_APPS]
    if configuration is not None:
        apps += [offered.item for offered in configuration.plugins.collect(register_piccolo_apps)]
    return apps
