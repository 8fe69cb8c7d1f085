"""``/admin/brands`` and ``/admin/categories``."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post

from commercekit.catalog.models import (
    Brand,
    BrandChange,
    Category,
    CategoryChange,
    CategoryMove,
    NewBrand,
    NewCategory,
)
from commercekit.catalog.service import CatalogService
from commercekit.kernel import Page
from commercekit.platform.http import (
    PageCursor,
    PageLimit,
    etag_of,
    page_answer,
    page_request,
    require_match,
)
from commercekit.platform.security import COMMON, requires

__all__ = ["BrandController", "CategoryController"]

READ = [requires("catalog:read", limited_by=COMMON)]
WRITE = [requires("catalog:write")]


def _brand(brand: Brand, status: int = 200) -> Response[Brand]:
    headers = {"etag": etag_of(brand.version)}
    if status == 201:
        headers["location"] = f"/admin/brands/{brand.id}"
    return Response(brand, status_code=status, headers=headers)


def _category(category: Category, status: int = 200) -> Response[Category]:
    headers = {"etag": etag_of(category.version)}
    if status == 201:
        headers["location"] = f"/admin/categories/{category.id}"
    return Response(category, status_code=status, headers=headers)


class BrandController(Controller):
    """Who makes what the shop sells."""

    path = "/admin/brands"
    tags = ["admin: catalogue"]

    @get(guards=READ, summary="List brands")
    async def brands(
        self,
        request: Request[Any, Any, Any],
        catalog: CatalogService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[Brand]:
        """Brands by slug."""
        page = page_request(request, limit, cursor)
        found = await catalog.brands(
            after=page.after[0] if page.after else None, limit=page.limit + 1
        )
        shown = found[: page.limit]
        return page_answer(request, shown, (shown[-1].slug,) if len(found) > page.limit else None)

    @post(guards=WRITE, summary="Create a brand")
    async def create(self, data: NewBrand, catalog: CatalogService) -> Response[Brand]:
        """A brand for products to name."""
        return _brand(await catalog.create_brand(data), 201)

    @get("/{brand_id:uuid}", guards=READ, summary="One brand")
    async def brand(self, brand_id: UUID, catalog: CatalogService) -> Response[Brand]:
        """The brand of that id."""
        return _brand(await catalog.brand(brand_id))

    @patch("/{brand_id:uuid}", guards=WRITE, summary="Change a brand")
    async def change(
        self,
        request: Request[Any, Any, Any],
        brand_id: UUID,
        data: BrandChange,
        catalog: CatalogService,
    ) -> Response[Brand]:
        """Slug or name. Needs ``If-Match``."""
        present = await catalog.brand(brand_id)
        require_match(request, present.version)
        return _brand(await catalog.change_brand(brand_id, data, expected_version=present.version))

    @delete("/{brand_id:uuid}", guards=WRITE, summary="Delete a brand")
    async def delete(
        self, request: Request[Any, Any, Any], brand_id: UUID, catalog: CatalogService
    ) -> None:
        """Refused while products have it. Needs ``If-Match``."""
        present = await catalog.brand(brand_id)
        require_match(request, present.version)
        await catalog.delete_brand(brand_id, expected_version=present.version)


class CategoryController(Controller):
    """The tree that shoppers browse by."""

    path = "/admin/categories"
    tags = ["admin: catalogue"]

    @get(guards=READ, summary="List categories")
    async def categories(
        self, request: Request[Any, Any, Any], catalog: CatalogService
    ) -> Page[Category]:
        """The whole tree as one page, siblings in their order."""
        found = await catalog.categories()
        return page_answer(request, found, None, len(found))

    @post(guards=WRITE, summary="Create a category")
    async def create(self, data: NewCategory, catalog: CatalogService) -> Response[Category]:
        """A category below its parent, last among its siblings unless a position is given."""
        return _category(await catalog.create_category(data), 201)

    @get("/{category_id:uuid}", guards=READ, summary="One category")
    async def category(self, category_id: UUID, catalog: CatalogService) -> Response[Category]:
        """The category of that id."""
        return _category(await catalog.category(category_id))

    @patch("/{category_id:uuid}", guards=WRITE, summary="Change or move a category")
    async def change(
        self,
        request: Request[Any, Any, Any],
        category_id: UUID,
        data: CategoryChange,
        catalog: CatalogService,
    ) -> Response[Category]:
        """Moving it takes along all below it. Needs ``If-Match``."""
        present = await catalog.category(category_id)
        require_match(request, present.version)
        return _category(
            await catalog.change_category(category_id, data, expected_version=present.version)
        )

    @post(
        "/{category_id:uuid}/move",
        guards=WRITE,
        status_code=200,
        summary="Move a category",
    )
    async def move(
        self,
        request: Request[Any, Any, Any],
        category_id: UUID,
        data: CategoryMove,
        catalog: CatalogService,
    ) -> Response[Category]:
        """With all below it; siblings make room. Below itself is refused. Needs ``If-Match``."""
        present = await catalog.category(category_id)
        require_match(request, present.version)
        return _category(
            await catalog.move_category(category_id, data, expected_version=present.version)
        )

    @delete("/{category_id:uuid}", guards=WRITE, summary="Delete a category")
    async def delete(
        self, request: Request[Any, Any, Any], category_id: UUID, catalog: CatalogService
    ) -> None:
        """Refused while others hang below it; its products stay. Needs ``If-Match``."""
        present = await catalog.category(category_id)
        require_match(request, present.version)
        await catalog.delete_category(category_id, expected_version=present.version)
