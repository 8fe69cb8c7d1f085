"""``/admin/products/export``."""

from collections.abc import AsyncIterator
from typing import Annotated

from litestar import Controller, get
from litestar.params import Parameter
from litestar.response import Stream

from commercekit.catalog.service.exporting import ExportProducts
from commercekit.platform.security import requires

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
    async def export(self, exports: ExportProducts, language: Language = None) -> Stream:
        """What comes is what the import takes back without loss."""

        async def pieces() -> AsyncIterator[bytes]:
            async for piece in exports.text(language=language):
                yield piece.encode()

        return Stream(
            pieces(),
            media_type="text/csv; charset=utf-8",
            headers={"content-disposition": 'attachment; filename="products.csv"'},
        )
