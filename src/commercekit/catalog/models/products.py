"""Products, their pictures and variants."""

from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from commercekit.catalog.models.attributes import AttributeValue, Option
from commercekit.catalog.models.costs import check_cost
from commercekit.catalog.models.groups import Brand
from commercekit.catalog.models.media import MediaSize
from commercekit.catalog.models.words import (
    LongTexts,
    Slug,
    Tag,
    TaxClass,
    Texts,
    Word,
)
from commercekit.kernel import Money, StateTable
from commercekit.platform.extensions import FieldCondition, GivenValues, Values

__all__ = [
    "PRODUCT_STATES",
    "Image",
    "ImageStatus",
    "NewImage",
    "NewProduct",
    "NewVariant",
    "Product",
    "ProductChange",
    "ProductDocument",
    "ProductFilter",
    "ProductHistoryEntry",
    "ProductStatus",
    "SellableVariant",
    "Variant",
    "VariantChange",
]


class ProductStatus(StrEnum):
    """Whether shoppers see it."""

    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


PRODUCT_STATES = StateTable(
    "product",
    {
        ProductStatus.DRAFT: {ProductStatus.ACTIVE, ProductStatus.ARCHIVED},
        ProductStatus.ACTIVE: {ProductStatus.DRAFT, ProductStatus.ARCHIVED},
        ProductStatus.ARCHIVED: {ProductStatus.DRAFT, ProductStatus.ACTIVE},
    },
)


class ImageStatus(StrEnum):
    """What we know of a picture that lies elsewhere."""

    UNCHECKED = "unchecked"
    REACHABLE = "reachable"
    UNREACHABLE = "unreachable"


class Image(Struct, frozen=True, kw_only=True):
    """A picture by its address; an unreachable one is recorded, and no reason to refuse anything."""

    id: UUID
    url: str
    alt: dict[str, str]
    position: int
    status: ImageStatus
    media_id: UUID | None = None
    """Of the upload that it shows; ``None`` for one that lies elsewhere."""
    sizes: tuple[MediaSize, ...] = ()
    """Of an upload, smallest first."""


class Variant(Struct, frozen=True, kw_only=True):
    """What is bought: one combination of option values, with a SKU of its own."""

    id: UUID
    product_id: UUID
    sku: str
    options: dict[str, str]
    """Option code to value code, in the product's order of options."""
    barcode: str
    weight_grams: int
    tax_class: str
    requires_shipping: bool
    position: int
    image_id: UUID | None
    version: int
    created_at: datetime
    updated_at: datetime
    extensions: Values = {}
    """What plugins keep beside it, by their codes."""
    cost: Money | UnsetType | None = UNSET
    """What it costs the shop; left out for whoever may not see it, and everywhere but for staff."""


class Product(Struct, frozen=True, kw_only=True):
    """What is shown: texts, pictures, options, and the variants to buy."""

    id: UUID
    slug: str
    status: ProductStatus
    name: dict[str, str]
    description: dict[str, str]
    """Sanitised HTML."""
    brand_id: UUID | None
    type: str
    tags: tuple[str, ...]
    category_ids: tuple[UUID, ...]
    seo_title: dict[str, str]
    seo_description: dict[str, str]
    options: tuple[Option, ...]
    images: tuple[Image, ...]
    variants: tuple[Variant, ...]
    version: int
    created_at: datetime
    updated_at: datetime
    attributes: dict[str, AttributeValue] = {}
    related_ids: tuple[UUID, ...] = ()
    publish_at: datetime | None = None
    unpublish_at: datetime | None = None
    extensions: Values = {}
    """What plugins keep beside it, by their codes."""


class ProductHistoryEntry(Struct, frozen=True, kw_only=True):
    """One change of a product: who, when, and each field before and after."""

    id: UUID
    product_id: UUID
    at: datetime
    actor: str
    action: str
    """``created``, ``changed`` or ``deleted``."""
    diff: Raw
    """``{field: [before, after]}``; fields of a variant stand under ``variants/<SKU>``."""


class NewImage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A picture to show; its place in the list is its position."""

    url: Annotated[str, Meta(pattern=r"^((https?://|/)\S+)?$", max_length=2000)] = ""
    """Where it lies; not needed for an upload."""
    alt: Texts = {}
    media_id: UUID | None = None
    """An upload of ours."""


class NewVariant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A variant to add. A blank SKU is made of slug and option values, and stays."""

    sku: Annotated[str, Meta(max_length=100)] = ""
    options: dict[str, str] = {}
    barcode: Annotated[str, Meta(max_length=100)] = ""
    weight_grams: Annotated[int, Meta(ge=0, le=100_000_000)] = 0
    tax_class: TaxClass = "standard"
    requires_shipping: bool = True
    image_url: str = ""
    """One of the product's pictures; empty for none of its own."""
    image_media_id: UUID | None = None
    """The same, by upload."""
    extensions: GivenValues | UnsetType = UNSET
    """Fields of plugins, by their codes."""
    cost: Money | UnsetType | None = UNSET
    """What it costs the shop."""

    def __post_init__(self) -> None:
        """Refuse a cost that is none."""
        check_cost(self.cost)


class NewProduct(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A product to create, whole."""

    slug: Slug
    name: Texts
    description: LongTexts = {}
    status: ProductStatus = ProductStatus.DRAFT
    brand_id: UUID | None = None
    type: Word = ""
    tags: Annotated[tuple[Tag, ...], Meta(max_length=250)] = ()
    category_ids: Annotated[tuple[UUID, ...], Meta(max_length=50)] = ()
    seo_title: Texts = {}
    seo_description: Texts = {}
    options: Annotated[tuple[Option, ...], Meta(max_length=50)] = ()
    images: Annotated[tuple[NewImage, ...], Meta(max_length=250)] = ()
    variants: Annotated[tuple[NewVariant, ...], Meta(max_length=1000)] = ()
    attributes: dict[str, AttributeValue] = {}
    """By code, as the definitions of the product's type want them."""
    related_ids: Annotated[tuple[UUID, ...], Meta(max_length=50)] = ()
    publish_at: datetime | None = None
    """When a draft becomes active by itself."""
    unpublish_at: datetime | None = None
    """When an active product becomes a draft again."""
    extensions: GivenValues | UnsetType = UNSET
    """Fields of plugins, by their codes."""


class ProductChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change; what is absent stays. Lists are replaced whole."""

    slug: Slug | UnsetType = UNSET
    name: Texts | UnsetType = UNSET
    description: LongTexts | UnsetType = UNSET
    status: ProductStatus | UnsetType = UNSET
    brand_id: UUID | UnsetType | None = UNSET
    type: Word | UnsetType = UNSET
    tags: tuple[Tag, ...] | UnsetType = UNSET
    category_ids: tuple[UUID, ...] | UnsetType = UNSET
    seo_title: Texts | UnsetType = UNSET
    seo_description: Texts | UnsetType = UNSET
    options: tuple[Option, ...] | UnsetType = UNSET
    images: tuple[NewImage, ...] | UnsetType = UNSET
    attributes: dict[str, AttributeValue] | UnsetType = UNSET
    related_ids: Annotated[tuple[UUID, ...], Meta(max_length=50)] | UnsetType = UNSET
    publish_at: datetime | UnsetType | None = UNSET
    unpublish_at: datetime | UnsetType | None = UNSET
    extensions: GivenValues | UnsetType = UNSET
    """Fields of plugins, by their codes; what is not named stays, ``null`` takes a value away."""


class VariantChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a variant. Its SKU is no field here: prices, stock and orders are kept by it."""

    options: dict[str, str] | UnsetType = UNSET
    barcode: Annotated[str, Meta(max_length=100)] | UnsetType = UNSET
    weight_grams: Annotated[int, Meta(ge=0, le=100_000_000)] | UnsetType = UNSET
    tax_class: TaxClass | UnsetType = UNSET
    requires_shipping: bool | UnsetType = UNSET
    position: Annotated[int, Meta(ge=1, le=1000)] | UnsetType = UNSET
    image_url: str | UnsetType = UNSET
    image_media_id: UUID | UnsetType | None = UNSET
    extensions: GivenValues | UnsetType = UNSET
    """Likewise."""
    cost: Money | UnsetType | None = UNSET
    """What it costs the shop from now on; ``null`` when that is not known any more."""

    def __post_init__(self) -> None:
        """Refuse a cost that is none."""
        check_cost(self.cost)


class ProductFilter(Struct, frozen=True, kw_only=True):
    """Which products staff want to see; empty means all."""

    status: ProductStatus | None = None
    brand_id: UUID | None = None
    category_id: UUID | None = None
    q: str = ""
    """Part of a name, slug or SKU."""
    extensions: tuple[FieldCondition, ...] = ()
    """Values of plugins' fields that have an index."""


class SellableVariant(Struct, frozen=True, kw_only=True, dict=True):
    """All that carts, prices and parcels need to know of a variant, in one read."""

    variant_id: UUID
    product_id: UUID
    sku: str
    slug: str
    status: ProductStatus
    name: dict[str, str]
    options: tuple[tuple[dict[str, str], dict[str, str]], ...]
    """Pairs of option name and value label, in all languages, in the order shown."""
    tax_class: str
    weight_grams: int
    requires_shipping: bool
    image_url: str | None
    brand_id: UUID | None
    category_ids: tuple[UUID, ...]
    """With the categories above them."""
    tags: tuple[str, ...]
    type: str

    @property
    def for_sale(self) -> bool:
        """Whether shoppers may buy it now."""
        return self.status is ProductStatus.ACTIVE

    @cached_property
    def categories(self) -> frozenset[str]:
        """``category_ids`` as promotions name them."""
        return frozenset(str(category) for category in self.category_ids)

    @cached_property
    def brand(self) -> str | None:
        """``brand_id`` as promotions name it."""
        return str(self.brand_id) if self.brand_id else None


class ProductDocument(Struct, frozen=True, kw_only=True):
    """A product with the names around it, as read models want it."""

    product: Product
    brand: Brand | None
    category_ids: tuple[UUID, ...]
    """With the categories above them."""
