"""``/admin/products/export``."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from litestar import Controller, Request, get
from litestar.params import Parameter
from litestar.response import Stream

from commercekit.catalog.api.costs import SEE, may_see_costs
from commercekit.catalog.service.exporting import ExportProducts
from commercekit.platform.security import note_use, requires

__all__ = ["ExportController"]

Language = Annotated[
    str | None,
    Parameter(
        pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        max_length=35,
        description="Of the plain columns; without it the default market's first",
    ),
]


class ExportController(Controller):
    """Every product as one file."""

    path = "/admin/products/export"
    tags = ["admin: catalogue"]

    @get(
        guards=[requires("catalog:read")],
        media_type="text/csv",
        summary="Export all products",
        description="CSV as Shopify reads it, with columns of our own, made while it is sent.",
    )
    async def export(
        self,
        request: Request[Any, Any, Any],
        exports: ExportProducts,
        language: Language = None,
    ) -> Stream:
        """What comes is what the import takes back without loss; costs only for who may see them."""
        costs = may_see_costs(request)
        if costs:
            await note_use(request, SEE)

        async def pieces() -> AsyncIterator[bytes]:
            async for piece in exports.text(language=language, costs=costs):
                yield piece.encode()

        return Stream(
            pieces(),
            media_type="text/csv; charset=utf-8",
            headers={"content-disposition": 'attachment; filename="products.csv"'},
        )
