"""Fields that plugins add to the core: what takes them, and the way in for the plugins themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from commercekit import catalog, checkout, orders
from commercekit.catalog import ProductChange, VariantChange
from commercekit.orders import Actor
from commercekit.platform.extensions import ExtensionDoor, FieldBook, Writer
from commercekit.platform.plugins.hookspecs import register_extension_fields

if TYPE_CHECKING:
    from commercekit.app.shop import Shop
    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.plugins import PluginRegistry

__all__ = ["doors_of", "field_book"]

_ENTITIES = (*catalog.EXTENSIBLE, *orders.EXTENSIBLE, *checkout.EXTENSIBLE)


def field_book(plugins: PluginRegistry) -> FieldBook:
    """All fields of the enabled plugins, checked."""
    return FieldBook(_ENTITIES, plugins.collect(register_extension_fields))


def doors_of(shop: Shop) -> dict[str, ExtensionDoor]:
    """How each entity is written, with its version, its history and its facts."""

    async def product(
        uow: UnitOfWork, entity_id: UUID, given: Mapping[str, Any], *, actor: str
    ) -> None:
        change = ProductChange(extensions=dict(given))
        await shop.catalog.change_product_in(
            uow, entity_id, change, actor=actor, writer=Writer.PLUGIN
        )

    async def variant(
        uow: UnitOfWork, entity_id: UUID, given: Mapping[str, Any], *, actor: str
    ) -> None:
        change = VariantChange(extensions=dict(given))
        await shop.catalog.change_variant_in(
            uow, entity_id, change, actor=actor, writer=Writer.PLUGIN
        )

    async def order(
        uow: UnitOfWork, entity_id: UUID, given: Mapping[str, Any], *, actor: str
    ) -> None:
        await shop.orders.extend_in(
            uow, entity_id, given, actor=Actor("system", actor), writer=Writer.PLUGIN
        )

    return {"product": product, "variant": variant, "order": order}
