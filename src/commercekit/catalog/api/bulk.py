"""``/admin/products/bulk``: many products at once."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.openapi import ResponseSpec

from commercekit.catalog.models.bulk import BulkPreview, BulkRequest, BulkRun
from commercekit.catalog.service.bulk import ProductBulk
from commercekit.platform.http import Answer, IdempotentRun, idempotent
from commercekit.platform.security import principal_of, requires

__all__ = ["BulkController"]


class BulkController(Controller):
    """Shown first, then done by a job."""

    path = "/admin/products/bulk"
    tags = ["admin: catalogue"]

    @post(
        "/preview",
        guards=[requires("catalog:read")],
        status_code=200,
        summary="What a change of many products would do",
    )
    async def preview(self, data: BulkRequest, bulk: ProductBulk) -> BulkPreview:
        """How many are meant, and the newest twenty before and after. Writes nothing."""
        return await bulk.preview(data)

    @post(
        guards=[requires("catalog:write")],
        status_code=202,
        summary="Change many products",
        description=(
            "With `preview` (the default) the same as `/preview`. Otherwise a job does it, each product "
            "whole or not at all; `Idempotency-Key` is required, and the answer says where to watch."
        ),
        responses={200: ResponseSpec(BulkPreview, description="What it would do")},
    )
    async def change(
        self, request: Request[Any, Any, Any], data: BulkRequest, bulk: ProductBulk
    ) -> Response[BulkRun]:
        """Fields and prices; prices are those of the default market."""
        if data.preview:
            return Answer(200, await bulk.preview(data)).to_response()

        async def work(run: IdempotentRun) -> Answer:
            started = await bulk.start(data, run_id=run.id, actor=principal_of(request).id)
            return Answer(202, started, {"location": f"/admin/products/bulk/{started.id}"})

        return await idempotent(request, scope="catalog.bulk", work=work)

    @get("/{run_id:uuid}", guards=[requires("catalog:read")], summary="How far a change has come")
    async def run(self, run_id: UUID, bulk: ProductBulk) -> BulkRun:
        """Counts, and the first hundred products that stayed as they were."""
        return await bulk.run(run_id)
