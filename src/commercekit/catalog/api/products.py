"""``/admin/products`` and ``/admin/variants``."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.params import Parameter

from commercekit.catalog.api.costs import (
    check_costs,
    products_with_costs,
    variants_with_costs,
)
from commercekit.catalog.models import (
    NewProduct,
    NewVariant,
    Product,
    ProductChange,
    ProductFilter,
    ProductHistoryEntry,
    ProductStatus,
    Variant,
    VariantChange,
)
from commercekit.catalog.service import CatalogService
from commercekit.kernel import Page
from commercekit.platform.http import (
    EXTENSION_FILTERS,
    PageCursor,
    PageLimit,
    etag_of,
    page_answer,
    page_request,
    require_match,
)
from commercekit.platform.security import COMMON, principal_of, requires

__all__ = ["ProductController", "VariantController"]

READ = [requires("catalog:read", limited_by=COMMON)]
WRITE = [requires("catalog:write")]

Part = Annotated[str | None, Parameter(max_length=100, description="Part of a name, slug or SKU")]


def _actor(request: Request[Any, Any, Any]) -> str:
    return principal_of(request).id


async def _product(
    request: Request[Any, Any, Any], catalog: CatalogService, product: Product, status: int = 200
) -> Response[Product]:
    headers = {"etag": etag_of(product.version)}
    if status == 201:
        headers["location"] = f"/admin/products/{product.id}"
    (shown,) = await products_with_costs(request, catalog, [product])
    shown = catalog.fields.product_for_staff(shown)
    return Response(shown, status_code=status, headers=headers)


async def _variant(
    request: Request[Any, Any, Any], catalog: CatalogService, variant: Variant, status: int = 200
) -> Response[Variant]:
    headers = {"etag": etag_of(variant.version)}
    if status == 201:
        headers["location"] = f"/admin/variants/{variant.id}"
    (shown,) = await variants_with_costs(request, catalog, [variant])
    shown = catalog.fields.variant_for_staff(shown)
    return Response(shown, status_code=status, headers=headers)


class ProductController(Controller):
    """Products with options, pictures and variants."""

    path = "/admin/products"
    tags = ["admin: catalogue"]

    @get(guards=READ, summary="List products", opt=EXTENSION_FILTERS)
    async def products(
        self,
        request: Request[Any, Any, Any],
        catalog: CatalogService,
        status: ProductStatus | None = None,
        brand_id: UUID | None = None,
        category_id: UUID | None = None,
        q: Part = None,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[Product]:
        """Products of any status, newest first; also ``?extensions.<plugin>.<field>=`` by an index."""
        page = page_request(request, limit, cursor)
        where = ProductFilter(
            status=status,
            brand_id=brand_id,
            category_id=category_id,
            q=q or "",
            extensions=tuple(catalog.fields.product_conditions(request.query_params.multi_items())),
        )
        after = UUID(page.after[0]) if page.after else None
        found = await catalog.products(where, after=after, limit=page.limit + 1)
        told = await products_with_costs(request, catalog, found[: page.limit])
        shown = [catalog.fields.product_for_staff(each) for each in told]
        more = (str(shown[-1].id),) if len(found) > page.limit else None
        return page_answer(request, shown, more)

    @post(guards=WRITE, summary="Create a product")
    async def create(
        self, request: Request[Any, Any, Any], data: NewProduct, catalog: CatalogService
    ) -> Response[Product]:
        """A product with its variants; a draft unless ``status`` says otherwise."""
        await check_costs(request, data.variants)
        return await _product(
            request, catalog, await catalog.create_product(data, actor=_actor(request)), 201
        )

    @get("/{product_id:uuid}", guards=READ, summary="One product")
    async def product(
        self, request: Request[Any, Any, Any], product_id: UUID, catalog: CatalogService
    ) -> Response[Product]:
        """The product with everything on it, in all languages."""
        return await _product(request, catalog, await catalog.product(product_id))

    @patch("/{product_id:uuid}", guards=WRITE, summary="Change a product")
    async def change(
        self,
        request: Request[Any, Any, Any],
        product_id: UUID,
        data: ProductChange,
        catalog: CatalogService,
    ) -> Response[Product]:
        """What is absent stays, lists are replaced whole. Needs ``If-Match``."""
        present = await catalog.product(product_id)
        require_match(request, present.version)
        changed = await catalog.change_product(
            product_id, data, expected_version=present.version, actor=_actor(request)
        )
        return await _product(request, catalog, changed)

    @delete("/{product_id:uuid}", guards=WRITE, summary="Delete a product")
    async def delete(
        self, request: Request[Any, Any, Any], product_id: UUID, catalog: CatalogService
    ) -> None:
        """With its variants, for good; archiving keeps it. Needs ``If-Match``."""
        present = await catalog.product(product_id)
        require_match(request, present.version)
        await catalog.delete_product(
            product_id, expected_version=present.version, actor=_actor(request)
        )

    @post("/{product_id:uuid}/archive", guards=WRITE, status_code=200, summary="Archive a product")
    async def archive(
        self, request: Request[Any, Any, Any], product_id: UUID, catalog: CatalogService
    ) -> Response[Product]:
        """Take it off sale and keep it; doing it again changes nothing."""
        return await _product(
            request, catalog, await catalog.archive_product(product_id, actor=_actor(request))
        )

    @get("/{product_id:uuid}/history", guards=READ, summary="Who changed what of a product")
    async def history(
        self,
        request: Request[Any, Any, Any],
        product_id: UUID,
        catalog: CatalogService,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[ProductHistoryEntry]:
        """Newest first; the history of a deleted product stays."""
        page = page_request(request, limit, cursor)
        after = UUID(page.after[0]) if page.after else None
        found = await catalog.history(product_id, after=after, limit=page.limit + 1)
        shown = found[: page.limit]
        more = (str(shown[-1].id),) if len(found) > page.limit else None
        return page_answer(request, shown, more)

    @post("/{product_id:uuid}/variants", guards=WRITE, summary="Add a variant")
    async def add_variant(
        self,
        request: Request[Any, Any, Any],
        product_id: UUID,
        data: NewVariant,
        catalog: CatalogService,
    ) -> Response[Variant]:
        """One more combination of option values, last in order."""
        await check_costs(request, [data])
        return await _variant(
            request,
            catalog,
            await catalog.add_variant(product_id, data, actor=_actor(request)),
            201,
        )


class VariantController(Controller):
    """Variants by id or SKU."""

    path = "/admin/variants"
    tags = ["admin: catalogue"]

    @get(guards=READ, summary="List variants", opt=EXTENSION_FILTERS)
    async def variants(
        self,
        request: Request[Any, Any, Any],
        catalog: CatalogService,
        sku: Annotated[str | None, Parameter(max_length=100)] = None,
        product_id: UUID | None = None,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Page[Variant]:
        """Variants by SKU; also ``?extensions.<plugin>.<field>=`` by an index."""
        page = page_request(request, limit, cursor)
        found = await catalog.variants(
            sku=sku,
            product_id=product_id,
            after=page.after[0] if page.after else None,
            limit=page.limit + 1,
            extensions=catalog.fields.variant_conditions(request.query_params.multi_items()),
        )
        told = await variants_with_costs(request, catalog, found[: page.limit])
        shown = [catalog.fields.variant_for_staff(each) for each in told]
        return page_answer(request, shown, (shown[-1].sku,) if len(found) > page.limit else None)

    @get("/{variant_id:uuid}", guards=READ, summary="One variant")
    async def variant(
        self, request: Request[Any, Any, Any], variant_id: UUID, catalog: CatalogService
    ) -> Response[Variant]:
        """The variant of that id."""
        return await _variant(request, catalog, await catalog.variant(variant_id))

    @patch("/{variant_id:uuid}", guards=WRITE, summary="Change a variant")
    async def change(
        self,
        request: Request[Any, Any, Any],
        variant_id: UUID,
        data: VariantChange,
        catalog: CatalogService,
    ) -> Response[Variant]:
        """Anything but the SKU, by which prices, stock and orders are kept. Needs ``If-Match``."""
        await check_costs(request, [data])
        present = await catalog.variant(variant_id)
        require_match(request, present.version)
        changed = await catalog.change_variant(
            variant_id, data, expected_version=present.version, actor=_actor(request)
        )
        return await _variant(request, catalog, changed)

    @delete("/{variant_id:uuid}", guards=WRITE, summary="Remove a variant")
    async def remove(
        self, request: Request[Any, Any, Any], variant_id: UUID, catalog: CatalogService
    ) -> None:
        """Needs ``If-Match``; the last one of an active product is refused."""
        present = await catalog.variant(variant_id)
        require_match(request, present.version)
        await catalog.remove_variant(
            variant_id, expected_version=present.version, actor=_actor(request)
        )
