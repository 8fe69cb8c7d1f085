"""What variants cost the shop: kept beside them, so that nothing that tells of a product tells it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import UNSET
from msgspec.structs import replace

from commercekit.catalog import repository
from commercekit.catalog.errors import VariantNotFound
from commercekit.catalog.events import CostChanged

if TYPE_CHECKING:
    from commercekit.catalog.models import CostEntry, NewVariant, Product, Variant
    from commercekit.kernel import Money
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["Costs", "wanted_costs"]


class Costs:
    """Use cases of costs. Products and variants come without, unless they are asked for here."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def of(self, variant_ids: Sequence[UUID]) -> dict[UUID, Money]:
        """What holds of these; variants without a cost are absent."""
        return await repository.costs.current(self._db, variant_ids)

    async def history(
        self, variant_id: UUID, *, before: int | None = None, limit: int = 20
    ) -> list[CostEntry]:
        """The costs that a variant had, newest first, before the one of that number.

        They stay when the variant goes. Raises :class:`~commercekit.catalog.VariantNotFound` for one that
        never was.
        """
        found = await repository.costs.page(self._db, variant_id, before=before, limit=limit)
        if not found and await repository.lookups.variant_product(self._db, variant_id) is None:
            raise VariantNotFound(variant_id=str(variant_id))
        return found

    async def put(
        self,
        uow: UnitOfWork,
        wanted: Mapping[str, Money | None],
        *,
        actor: str,
        new: Collection[str] = (),
    ) -> set[str]:
        """Let these be what SKUs cost from now on, ``None`` for nothing known; gives those it changed.

        In the unit of work that holds their products. ``new`` are SKUs that came with it, of which
        nothing else has to be told. Costs that are the same already, and unknown SKUs, change nothing.
        """
        if not wanted:
            return set()
        changed = await repository.costs.put(uow, wanted, actor)
        known = [each for each in changed if each.sku not in new]
        if known:
            await repository.costs.touch(uow, [each.variant_id for each in known])
            uow.publish(
                *(
                    CostChanged(
                        product_id=each.product_id, variant_id=each.variant_id, sku=each.sku
                    )
                    for each in known
                )
            )
        return {each.sku for each in changed}

    async def shown(self, products: Sequence[Product]) -> list[Product]:
        """The products with what their variants cost, for those who may see it."""
        costs = await self.of([variant.id for each in products for variant in each.variants])
        return [
            replace(
                each,
                variants=tuple(
                    replace(variant, cost=costs.get(variant.id)) for variant in each.variants
                ),
            )
            for each in products
        ]

    async def shown_variants(self, variants: Sequence[Variant]) -> list[Variant]:
        """Likewise."""
        costs = await self.of([variant.id for variant in variants])
        return [replace(variant, cost=costs.get(variant.id)) for variant in variants]


def wanted_costs(wanted: Sequence[NewVariant], made: Sequence[Variant]) -> dict[str, Money | None]:
    """What new variants are to cost, by the SKUs that they got."""
    return {
        variant.sku: new.cost
        for new, variant in zip(wanted, made, strict=True)
        if new.cost is not UNSET and new.cost is not None
    }
