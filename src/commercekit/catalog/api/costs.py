"""What variants cost the shop: for those who hold ``catalog:cost``; whoever does not finds no such field."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, put
from msgspec import UNSET, Meta

from commercekit.catalog.models import (
    CostEntry,
    NewVariant,
    Product,
    Variant,
    VariantChange,
)
from commercekit.catalog.models.costs import check_cost
from commercekit.catalog.service import CatalogService
from commercekit.errors import Forbidden
from commercekit.kernel import Money, Page
from commercekit.platform.http import (
    Input,
    PageCursor,
    PageLimit,
    etag_of,
    page_answer,
    page_request,
    require_match,
)
from commercekit.platform.security import note_use, principal_of, requires

__all__ = [
    "SEE",
    "CostController",
    "check_costs",
    "may_see_costs",
    "products_with_costs",
    "variants_with_costs",
]

SEE = "catalog:cost"
CHANGE = "catalog:cost-change"


class CostInput(Input):
    """What a variant costs from now on."""

    cost: Annotated[Money | None, Meta(description="null when it is not known any more")]

    def __post_init__(self) -> None:
        """Refuse a cost that is none."""
        check_cost(self.cost)


class CostController(Controller):
    """Costs by variant, and those it had."""

    path = "/admin/variants/{variant_id:uuid}"
    tags = ["admin: catalogue"]

    @put(
        "/cost",
        guards=[requires(CHANGE)],
        summary="Say what a variant costs the shop",
        status_code=204,
    )
    async def put(
        self,
        request: Request[Any, Any, Any],
        variant_id: UUID,
        data: CostInput,
        catalog: CatalogService,
    ) -> Response[None]:
        """From now on; the costs before stay in its history. Needs ``If-Match`` with the variant's ETag."""
        present = await catalog.variant(variant_id)
        require_match(request, present.version)
        changed = await catalog.change_variant(
            variant_id,
            VariantChange(cost=data.cost),
            expected_version=present.version,
            actor=principal_of(request).id,
        )
        return Response(None, status_code=204, headers={"etag": etag_of(changed.version)})

    @get("/costs", guards=[requires(SEE)], summary="What a variant cost the shop, and since when")
    async def costs(
        self,
        request: Request[Any, Any, Any],
        variant_id: UUID,
        catalog: CatalogService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[CostEntry]:
        """Newest first; the costs of a variant that was removed stay."""
        page = page_request(request, limit, cursor)
        before = int(page.after[0]) if page.after else None
        found = await catalog.costs.history(variant_id, before=before, limit=page.limit + 1)
        shown = found[: page.limit]
        more = (str(shown[-1].number),) if len(found) > page.limit else None
        return page_answer(request, shown, more)


def may_see_costs(request: Request[Any, Any, Any]) -> bool:
    """Whether whoever asks is shown costs: a limit would be one that goods do not know of."""
    return principal_of(request).reach(SEE).everything


async def products_with_costs(
    request: Request[Any, Any, Any], catalog: CatalogService, products: Sequence[Product]
) -> Sequence[Product]:
    """``products`` as whoever asks may see them; who is told of a cost is written down."""
    if not may_see_costs(request):
        return products
    shown = await catalog.costs.shown(products)
    await _note(request, [variant for each in shown for variant in each.variants])
    return shown


async def variants_with_costs(
    request: Request[Any, Any, Any], catalog: CatalogService, variants: Sequence[Variant]
) -> Sequence[Variant]:
    """Likewise."""
    if not may_see_costs(request):
        return variants
    shown = await catalog.costs.shown_variants(variants)
    await _note(request, shown)
    return shown


async def check_costs(
    request: Request[Any, Any, Any], given: Sequence[NewVariant | VariantChange]
) -> None:
    """Raise :class:`~commercekit.errors.Forbidden` where a cost is named by one who may change none."""
    if all(each.cost is UNSET for each in given):
        return
    if not principal_of(request).reach(CHANGE).everything:
        message = f"This token or session lacks the scope {CHANGE}: leave the cost out."
        raise Forbidden(message, required_scope=CHANGE)
    await note_use(request, CHANGE)


async def _note(request: Request[Any, Any, Any], shown: Sequence[Variant]) -> None:
    if any(variant.cost for variant in shown):
        await note_use(request, SEE)
