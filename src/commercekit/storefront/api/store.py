"""``/store/products``, ``/store/categories``, ``/store/brands``: public, cached, in the reader's language."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get
from litestar.enums import MediaType
from litestar.params import Parameter

from commercekit.errors import FieldError, Unprocessable
from commercekit.platform.http import (
    PageCursor,
    PageLimit,
    page_answer,
    page_request,
)
from commercekit.platform.security import public as open_to_all
from commercekit.storefront.api.rendering import rendered
from commercekit.storefront.models import (
    BrandEntry,
    BrandPage,
    CategoryEntry,
    CategoryPage,
    ListQuery,
    ProductDetail,
    ProductItem,
    ProductList,
    PromotionNote,
    Sort,
    Suggestion,
)
from commercekit.storefront.service import StorefrontService

__all__ = ["StorefrontController", "public"]

Price = Annotated[int | None, Parameter(ge=0, le=2**53, description="Minor units")]
Filter = Annotated[str | None, Parameter(max_length=200)]


class CategoryTree(msgspec.Struct, frozen=True):
    """The tree from its roots on."""

    items: list[CategoryEntry]


class BrandList(msgspec.Struct, frozen=True):
    """All brands that have products on sale."""

    items: list[BrandEntry]


class PromotionList(msgspec.Struct, frozen=True):
    """What is on now."""

    items: list[PromotionNote]


class SuggestionList(msgspec.Struct, frozen=True):
    """The likeliest first."""

    items: list[Suggestion]


class RelatedList(msgspec.Struct, frozen=True):
    """The closest first."""

    items: list[ProductItem]


class StorefrontController(Controller):
    """What shoppers read before they buy."""

    path = "/store"
    tags = ["store: products"]
    opt = open_to_all("what a shop window shows")

    @get("/products", summary="List, filter and search products")
    async def products(
        self,
        request: Request[Any, Any, Any],
        storefront: StorefrontService,
        category: Filter = None,
        brand: Annotated[list[str] | None, Parameter(max_items=20)] = None,
        q: Annotated[str | None, Parameter(max_length=100)] = None,
        min_price: Price = None,
        max_price: Price = None,
        in_stock: bool | None = None,  # noqa: FBT001 - a query parameter
        sort: Sort | None = None,
        facets: bool = False,  # noqa: FBT001, FBT002 - a query parameter
        limit: PageLimit = 20,
        cursor: PageCursor = None,
    ) -> Response[ProductList]:
        """A page of products on sale; ``facets=1`` adds counts to filter by."""
        if min_price is not None and max_price is not None and min_price > max_price:
            message = "min_price must not be above max_price."
            fault = FieldError("?min_price", "above-maximum", message)
            raise Unprocessable(message, errors=(fault,))
        market = await storefront.market(request.headers.get("x-market"))
        language = market.language_for(request.headers.get("accept-language"))
        page = page_request(request, limit, cursor)
        query = ListQuery(
            category=category,
            brands=tuple(brand or ()),
            q=q or "",
            min_price=min_price,
            max_price=max_price,
            in_stock=in_stock,
            sort=sort,
            facets=facets,
        )
        listed = await storefront.products(
            market, language, query, after=page.after, limit=page.limit
        )
        sealed = page_answer(request, listed.items, listed.after, listed.total)
        answer = ProductList(
            items=sealed.items,
            next_cursor=sealed.next_cursor,
            total=sealed.total,
            facets=listed.facets,
        )
        return public(request, answer, language)

    @get("/products/{slug:str}", summary="One product with options, variants and pictures")
    async def product(
        self, request: Request[Any, Any, Any], storefront: StorefrontService, slug: str
    ) -> Response[ProductDetail]:
        """What a product page shows; 404 for what is not on sale."""
        market = await storefront.market(request.headers.get("x-market"))
        language = market.language_for(request.headers.get("accept-language"))
        return public(request, await storefront.product(market, language, slug), language)

    @get("/products/{slug:str}/related", summary="What goes with a product")
    async def related(
        self,
        request: Request[Any, Any, Any],
        storefront: StorefrontService,
        slug: str,
        limit: Annotated[int, Parameter(ge=1, le=20)] = 8,
    ) -> Response[RelatedList]:
        """What shares most categories, tags and the brand with it."""
        market = await storefront.market(request.headers.get("x-market"))
        language = market.language_for(request.headers.get("accept-language"))
        found = await storefront.related(market, language, slug, limit=limit)
        return public(request, RelatedList(found), language)

    @get("/categories/{slug:str}", summary="The page of a category")
    async def category(
        self, request: Request[Any, Any, Any], storefront: StorefrontService, slug: str
    ) -> Response[CategoryPage]:
        """The way to it and what is below; its products are ``/store/products?category=``."""
        market = await storefront.market(request.headers.get("x-market"))
        language = market.language_for(request.headers.get("accept-language"))
        page = await storefront.shelves.category(market, language, slug)
        return public(request, page, language)

    @get("/brands/{slug:str}", summary="The page of a brand")
    async def brand(
        self, request: Request[Any, Any, Any], storefront: StorefrontService, slug: str
    ) -> Response[BrandPage]:
        """The categories it is in; its products are ``/store/products?brand=``."""
        market = await storefront.market(request.headers.get("x-market"))
        language = market.language_for(request.headers.get("accept-language"))
        page = await storefront.shelves.brand(market, language, slug)
        return public(request, page, language)

    @get("/categories", summary="The category tree")
    async def categories(
        self, request: Request[Any, Any, Any], storefront: StorefrontService
    ) -> Response[CategoryTree]:
        """All categories, each with those below it and the number of products."""
        market = await storefront.market(request.headers.get("x-market"))
        language = market.language_for(request.headers.get("accept-language"))
        tree = await storefront.categories(market, language)
        return public(request, CategoryTree(tree), language)

    @get("/brands", summary="Brands on sale")
    async def brands(
        self, request: Request[Any, Any, Any], storefront: StorefrontService
    ) -> Response[BrandList]:
        """Brands that have products on sale, by name."""
        market = await storefront.market(request.headers.get("x-market"))
        language = market.language_for(request.headers.get("accept-language"))
        return public(request, BrandList(await storefront.brands(market, language)), language)

    @get("/suggestions", summary="What a shopper may mean while typing")
    async def suggestions(
        self,
        request: Request[Any, Any, Any],
        storefront: StorefrontService,
        q: Annotated[str, Parameter(max_length=100)],
        limit: Annotated[int, Parameter(ge=1, le=20)] = 8,
    ) -> Response[SuggestionList]:
        """Categories, brands and products whose names go on like this, mistyped ones too."""
        market = await storefront.market(request.headers.get("x-market"))
        language = market.language_for(request.headers.get("accept-language"))
        found = await storefront.suggestions(market, language, q, limit=limit)
        return public(request, SuggestionList(found), language)

    @get("/promotions", summary="What is on now")
    async def promotions(
        self, request: Request[Any, Any, Any], storefront: StorefrontService
    ) -> Response[PromotionList]:
        """Promotions that are on now and need no coupon."""
        market = await storefront.market(request.headers.get("x-market"))
        language = market.language_for(request.headers.get("accept-language"))
        found = await storefront.promotions(market, language)
        return public(request, PromotionList(found), language)


def public(request: Request[Any, Any, Any], content: Any, language: str) -> Response[Any]:
    """The answer with its entity tag; 304 without a body for who has it already."""
    page = rendered(content, language)
    known = page.is_known_to(request.headers.get("if-none-match", ""))
    headers = {name.decode(): value.decode() for name, value in page.headers(with_body=False)}
    if known:
        return Response(content=None, status_code=304, headers=headers)
    return Response(content=page.body, headers=headers, media_type=MediaType.JSON)
