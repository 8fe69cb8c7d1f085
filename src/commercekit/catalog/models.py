"""Products, variants, pictures, brands and categories as everyone above sees them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from commercekit.kernel import StateTable

__all__ = [
    "MAX_OPTIONS",
    "MAX_VARIANTS",
    "PRODUCT_STATES",
    "Attribute",
    "AttributeChange",
    "AttributeKind",
    "AttributeValue",
    "Brand",
    "BrandChange",
    "Category",
    "CategoryChange",
    "CategoryMove",
    "Image",
    "ImageStatus",
    "Media",
    "MediaSize",
    "NewAttribute",
    "NewBrand",
    "NewCategory",
    "NewImage",
    "NewProduct",
    "NewVariant",
    "Option",
    "OptionValue",
    "Product",
    "ProductChange",
    "ProductDocument",
    "ProductFilter",
    "ProductHistoryEntry",
    "ProductStatus",
    "SellableVariant",
    "Sku",
    "Slug",
    "Variant",
    "VariantChange",
]

MAX_OPTIONS = 3
MAX_VARIANTS = 250

Slug = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9一-鿿]+(?:[-_][a-z0-9一-鿿]+)*$",
        max_length=200,
        description="the stable part of the address, such as ocean-blue-shirt",
    ),
]
Sku = Annotated[str, Meta(pattern=r"^\S(?:.{0,98}\S)?$", description="at most 100 characters")]
Language = Annotated[str, Meta(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Texts = dict[Language, Annotated[str, Meta(max_length=500)]]
LongTexts = dict[Language, Annotated[str, Meta(max_length=100_000)]]
Tag = Annotated[str, Meta(min_length=1, max_length=100)]
Word = Annotated[str, Meta(max_length=200)]
TaxClass = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,31}$")]


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


AttributeValue = bool | int | float | str | dict[str, str]
"""Of a boolean; a number; the code of a choice; a text by language."""


class AttributeKind(StrEnum):
    """What values an attribute has."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"


class ImageStatus(StrEnum):
    """What we know of a picture that lies elsewhere."""

    UNCHECKED = "unchecked"
    REACHABLE = "reachable"
    UNREACHABLE = "unreachable"


class OptionValue(Struct, frozen=True, forbid_unknown_fields=True):
    """One choice, such as Small; ``code`` is what variants name, ``label`` what shoppers read."""

    code: Annotated[str, Meta(min_length=1, max_length=100)]
    label: Texts = {}


class Option(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing to choose, such as Size, with its choices in the order shown."""

    code: Annotated[str, Meta(min_length=1, max_length=100)]
    name: Texts = {}
    values: Annotated[tuple[OptionValue, ...], Meta(min_length=1, max_length=MAX_VARIANTS)] = ()


class MediaSize(Struct, frozen=True, kw_only=True):
    """One size of an uploaded picture; both addresses show the same and may be cached for ever."""

    width: int
    height: int
    webp: str
    jpeg: str


class Media(Struct, frozen=True, kw_only=True):
    """An uploaded picture, decoded and written anew in several sizes."""

    id: UUID
    digest: str
    """The same picture has the same, so that it is kept once."""
    stem: str
    """What the names of its files begin with."""
    filename: str
    """What it was called where it came from, to recognise it by; nothing is stored under it."""
    media_type: str
    """Of what was sent, by its content."""
    width: int
    height: int
    sizes: tuple[MediaSize, ...]
    """Smallest first."""
    uploaded_by: str
    created_at: datetime

    @property
    def url(self) -> str:
        """Where its largest size is."""
        return self.sizes[-1].webp


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


class Attribute(Struct, frozen=True, kw_only=True):
    """What products of one type have, beyond what all have: a kind of value under a code."""

    id: UUID
    product_type: str
    code: str
    name: dict[str, str]
    kind: AttributeKind
    unit: str
    """Of a number, such as ``g``."""
    choices: tuple[OptionValue, ...]
    required: bool
    """Whether an active product needs it."""
    position: int
    version: int
    created_at: datetime
    updated_at: datetime


class NewAttribute(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An attribute to define. Type and code stay; so does the kind."""

    product_type: Annotated[str, Meta(min_length=1, max_length=200)]
    code: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$")]
    name: Texts
    kind: AttributeKind
    unit: Annotated[str, Meta(max_length=20)] = ""
    choices: Annotated[tuple[OptionValue, ...], Meta(max_length=500)] = ()
    required: bool = False
    position: Annotated[int, Meta(ge=0, le=10_000)] = 0


class AttributeChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of an attribute. Choices that products have cannot be taken away."""

    name: Texts | UnsetType = UNSET
    unit: Annotated[str, Meta(max_length=20)] | UnsetType = UNSET
    choices: tuple[OptionValue, ...] | UnsetType = UNSET
    required: bool | UnsetType = UNSET
    position: Annotated[int, Meta(ge=0, le=10_000)] | UnsetType = UNSET


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


class ProductFilter(Struct, frozen=True, kw_only=True):
    """Which products staff want to see; empty means all."""

    status: ProductStatus | None = None
    brand_id: UUID | None = None
    category_id: UUID | None = None
    q: str = ""
    """Part of a name, slug or SKU."""


class Brand(Struct, frozen=True, kw_only=True):
    """Who makes it."""

    id: UUID
    slug: str
    name: dict[str, str]
    version: int
    created_at: datetime
    updated_at: datetime
    logo_id: UUID | None = None
    """The upload that is its logo."""
    logo_url: str | None = None


class NewBrand(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A brand to create."""

    slug: Slug
    name: Texts
    logo_id: UUID | None = None


class BrandChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a brand."""

    slug: Slug | UnsetType = UNSET
    name: Texts | UnsetType = UNSET
    logo_id: UUID | UnsetType | None = UNSET


class Category(Struct, frozen=True, kw_only=True):
    """A shelf; ``parent_id`` makes them a tree."""

    id: UUID
    slug: str
    name: dict[str, str]
    parent_id: UUID | None
    position: int
    version: int
    created_at: datetime
    updated_at: datetime


class NewCategory(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A category to create; without a position it goes last."""

    slug: Slug
    name: Texts
    parent_id: UUID | None = None
    position: Annotated[int, Meta(ge=0, le=100_000)] | UnsetType = UNSET


class CategoryChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a category; a new parent moves it with all below it."""

    slug: Slug | UnsetType = UNSET
    name: Texts | UnsetType = UNSET
    parent_id: UUID | UnsetType | None = UNSET
    position: Annotated[int, Meta(ge=0, le=100_000)] | UnsetType = UNSET


class CategoryMove(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a category shall hang: below whom, and at which place among its siblings."""

    parent_id: UUID | None
    """``null`` for the top of the tree."""
    position: Annotated[int, Meta(ge=0, le=100_000)] | UnsetType = UNSET
    """From 0; absent or beyond the end: last."""


class SellableVariant(Struct, frozen=True, kw_only=True):
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


class ProductDocument(Struct, frozen=True, kw_only=True):
    """A product with the names around it, as read models want it."""

    product: Product
    brand: Brand | None
    category_ids: tuple[UUID, ...]
    """With the categories above them."""
