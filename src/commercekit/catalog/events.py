"""What happens to the catalogue, as facts. They carry ids, slugs and SKUs; readers fetch the rest."""

from typing import ClassVar
from uuid import UUID

from commercekit.kernel import DomainEvent

__all__ = [
    "AttributeChanged",
    "BrandChanged",
    "BrandCreated",
    "BrandDeleted",
    "CategoryChanged",
    "CategoryCreated",
    "CategoryDeleted",
    "CostChanged",
    "ProductArchived",
    "ProductChanged",
    "ProductCreated",
    "ProductDeleted",
    "ProductPublished",
    "ProductUnpublished",
    "VariantAdded",
    "VariantChanged",
    "VariantRemoved",
]


class _ProductFact(DomainEvent, frozen=True, kw_only=True):
    aggregate: ClassVar[str] = "product"
    id_field: ClassVar[str] = "product_id"

    product_id: UUID


class ProductCreated(_ProductFact, frozen=True, kw_only=True):
    """A product exists, with the variants named; no ``VariantAdded`` is told for those."""

    slug: str
    skus: tuple[str, ...]


class ProductChanged(_ProductFact, frozen=True, kw_only=True):
    """Fields of the product itself are different; ``fields`` names them."""

    slug: str
    fields: tuple[str, ...]


class ProductArchived(_ProductFact, frozen=True, kw_only=True):
    """It is not for sale any more, and kept."""

    slug: str


class ProductPublished(_ProductFact, frozen=True, kw_only=True):
    """The time came at which it was to appear; ``ProductChanged`` is told as well."""

    slug: str


class ProductUnpublished(_ProductFact, frozen=True, kw_only=True):
    """The time came at which it was to disappear; ``ProductChanged`` is told as well."""

    slug: str


class ProductDeleted(_ProductFact, frozen=True, kw_only=True):
    """It is gone, with the variants named; no ``VariantRemoved`` is told for those."""

    slug: str
    skus: tuple[str, ...]


class _VariantFact(_ProductFact, frozen=True, kw_only=True):
    variant_id: UUID
    sku: str


class VariantAdded(_VariantFact, frozen=True, kw_only=True):
    """An existing product can be bought in one more combination."""


class VariantChanged(_VariantFact, frozen=True, kw_only=True):
    """Fields of a variant are different; ``fields`` names them. The SKU never is."""

    fields: tuple[str, ...]


class VariantRemoved(_VariantFact, frozen=True, kw_only=True):
    """A combination cannot be bought any more."""


class CostChanged(_ProductFact, frozen=True, kw_only=True):
    """A variant costs the shop something else; how much, only those are told who may ask."""

    variant_id: UUID
    sku: str


class _BrandFact(DomainEvent, frozen=True, kw_only=True):
    aggregate: ClassVar[str] = "brand"
    id_field: ClassVar[str] = "brand_id"

    brand_id: UUID
    slug: str


class BrandCreated(_BrandFact, frozen=True, kw_only=True):
    """A brand exists."""


class BrandChanged(_BrandFact, frozen=True, kw_only=True):
    """A brand has another name or slug."""


class BrandDeleted(_BrandFact, frozen=True, kw_only=True):
    """A brand is gone; no product had it."""


class _CategoryFact(DomainEvent, frozen=True, kw_only=True):
    aggregate: ClassVar[str] = "category"
    id_field: ClassVar[str] = "category_id"

    category_id: UUID
    slug: str


class CategoryCreated(_CategoryFact, frozen=True, kw_only=True):
    """A category exists."""


class CategoryChanged(_CategoryFact, frozen=True, kw_only=True):
    """A category has another name, slug or place."""

    moved: bool = False
    """Whether it hangs elsewhere now, so that products below it belong to other categories."""


class CategoryDeleted(_CategoryFact, frozen=True, kw_only=True):
    """A category is gone; products that were on it are not."""


class AttributeChanged(DomainEvent, frozen=True, kw_only=True):
    """A definition is new, has other words or choices, or is gone; what products hold is the same."""

    aggregate: ClassVar[str] = "attribute"
    id_field: ClassVar[str] = "attribute_id"

    attribute_id: UUID
    product_type: str
