"""What shoppers see of products, in one language and one market."""

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from commercekit.catalog import AttributeKind
from commercekit.kernel import Money
from commercekit.platform.extensions import Values

__all__ = [
    "AttributeView",
    "BrandEntry",
    "BrandPage",
    "BrandRef",
    "CategoryEntry",
    "CategoryPage",
    "CategoryRef",
    "Crumb",
    "Facet",
    "Facets",
    "ImageView",
    "ListQuery",
    "OptionView",
    "PictureSize",
    "PriceRange",
    "ProductDetail",
    "ProductItem",
    "ProductList",
    "PromotionNote",
    "Seo",
    "Sort",
    "Suggestion",
    "Synonym",
    "VariantView",
]


class Sort(StrEnum):
    """The order of a list; a leading minus turns it round. Without words, relevance is newest first."""

    RELEVANCE = "relevance"
    NEWEST = "newest"
    PRICE = "price"
    PRICE_DOWN = "-price"
    NAME = "name"


class ListQuery(Struct, frozen=True, kw_only=True):
    """Which products, in which order; prices in minor units of the market's currency."""

    category: str | None = None
    brands: tuple[str, ...] = ()
    q: str = ""
    min_price: int | None = None
    max_price: int | None = None
    in_stock: bool | None = None
    sort: Sort | None = None
    """By relevance when there are words to search for, else newest first."""
    facets: bool = False


class Suggestion(Struct, frozen=True, kw_only=True):
    """Something that a shopper may mean while still typing."""

    kind: Literal["product", "category", "brand"]
    text: str
    slug: str
    image_url: str | None = None


class Synonym(Struct, frozen=True, kw_only=True):
    """Words and phrases that mean the same to shoppers, in any language."""

    id: UUID
    words: list[str]
    version: int
    created_at: datetime
    updated_at: datetime


class BrandRef(Struct, frozen=True):
    """A brand by name, with what its filter takes."""

    slug: str
    name: str


class CategoryRef(Struct, frozen=True):
    """A category by name, with what its filter takes."""

    id: UUID
    slug: str
    name: str


class ProductItem(Struct, frozen=True, kw_only=True):
    """A product in a list. ``price`` is the lowest of its variants, ``price_max`` the highest."""

    id: UUID
    slug: str
    name: str
    brand: BrandRef | None
    price: Money
    price_max: Money
    compare_at: Money | None
    image_url: str | None
    in_stock: bool
    badges: list[str]


class Crumb(Struct, frozen=True, kw_only=True):
    """A category near another, with how many products it has where that is told."""

    slug: str
    name: str
    product_count: int | None


class CategoryPage(Struct, frozen=True, kw_only=True):
    """What the page of a category shows beside its products; ``above`` leads to it from the root."""

    id: UUID
    slug: str
    name: str
    product_count: int
    above: list[Crumb]
    children: list[Crumb]


class BrandPage(Struct, frozen=True, kw_only=True):
    """What the page of a brand shows beside its products."""

    id: UUID
    slug: str
    name: str
    product_count: int
    categories: list[Crumb]


class Facet(Struct, frozen=True):
    """One value to filter by, and how many of the listed products have it."""

    slug: str
    name: str
    count: int


class PriceRange(Struct, frozen=True):
    """The lowest and highest price in the list."""

    min: Money
    max: Money


class Facets(Struct, frozen=True, kw_only=True):
    """What there is to choose: each counts under all filters but its own."""

    categories: list[Facet]
    brands: list[Facet]
    in_stock: int
    price: PriceRange | None


class ProductList(Struct, frozen=True, kw_only=True, omit_defaults=False):
    """A page of products. ``total`` is null where counting is not cheap, ``facets`` unless asked for."""

    items: list[ProductItem]
    next_cursor: str | None
    total: int | None
    facets: Facets | None = None


class OptionView(Struct, frozen=True):
    """One thing to choose, and the choices in the order shown."""

    name: str
    values: list[str]


class PictureSize(Struct, frozen=True, kw_only=True):
    """One size of an uploaded picture, in two formats."""

    width: int
    height: int
    webp: str
    jpeg: str


class ImageView(Struct, frozen=True):
    """A picture and what it shows, in words. One that lies elsewhere has no sizes of ours."""

    url: str
    alt: str
    srcset: str = ""
    """All sizes as browsers take them, WebP: ``<img srcset>``."""
    sizes: list[PictureSize] = []
    """Smallest first."""


class AttributeView(Struct, frozen=True, kw_only=True):
    """What products of this type have: ``value`` for programs, ``label`` for people."""

    code: str
    name: str
    kind: AttributeKind
    unit: str
    """Of a number, such as ``g``."""
    value: bool | int | float | str
    """Of a choice its code; of a text the words in the reader's language."""
    label: str
    """As it is shown; empty for yes and no, which each storefront says in its own words."""


class VariantView(Struct, frozen=True, kw_only=True):
    """One combination to buy. ``available`` is capped: a higher stock looks like the cap."""

    id: UUID
    sku: str
    options: dict[str, str]
    price: Money
    compare_at: Money | None
    lowest_30d: Money | None
    """Beside a ``compare_at``: the lowest price of the 30 days before the present one began."""
    available: int
    image_url: str | None
    extensions: Values | UnsetType = UNSET
    """Fields of plugins, by their codes; absent where none adds fields to variants."""


class PromotionNote(Struct, frozen=True, kw_only=True):
    """A promotion that is on now, for everybody."""

    code: str
    name: str
    description: str
    """What its rule says of it, such as "10 % off"."""
    starts_at: datetime | None
    ends_at: datetime | None


class Seo(Struct, frozen=True):
    """What search engines show."""

    title: str
    description: str


class ProductDetail(Struct, frozen=True, kw_only=True):
    """A product on its own page."""

    id: UUID
    slug: str
    name: str
    description: str
    """Sanitised HTML."""
    brand: BrandRef | None
    type: str
    tags: list[str]
    categories: list[CategoryRef]
    price: Money
    price_max: Money
    compare_at: Money | None
    lowest_30d: Money | None
    """Of the variant whose price and ``compare_at`` stand here."""
    in_stock: bool
    badges: list[str]
    image_url: str | None
    images: list[ImageView]
    attributes: list[AttributeView]
    options: list[OptionView]
    variants: list[VariantView]
    promotions: list[PromotionNote]
    seo: Seo
    extensions: Values | UnsetType = UNSET
    """Fields of plugins, by their codes; absent where none adds fields to products."""


class CategoryEntry(Struct, frozen=True, kw_only=True):
    """A category with what hangs below it; the count includes that."""

    id: UUID
    slug: str
    name: str
    product_count: int
    children: list["CategoryEntry"]


class BrandEntry(Struct, frozen=True, kw_only=True):
    """A brand that has products on sale."""

    id: UUID
    slug: str
    name: str
    product_count: int
