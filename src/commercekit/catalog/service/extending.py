"""Fields of plugins on products and variants: put together with what is there, and shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import UNSET

from commercekit.catalog.models import EXTENSIBLE, NewProduct, NewVariant, Product, Variant
from commercekit.platform.extensions import Audience, FieldBook, Fields, Values, Writer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from commercekit.platform.extensions import FieldCondition

__all__ = ["CatalogFields"]

T = TypeVar("T", NewProduct, NewVariant)


class CatalogFields:
    """What use cases ask of the fields there are; free of cost where there are none."""

    def __init__(self, book: FieldBook | None = None) -> None:
        book = book or FieldBook(EXTENSIBLE)
        self._products = book.of("product")
        self._variants = book.of("variant")

    def filled(self, new: NewProduct) -> NewProduct:
        """A product to be made, with its fields checked; required ones are there."""
        variants = tuple(
            _filled(self._variants, each, f"/variants/{index}")
            for index, each in enumerate(new.variants)
        )
        return _filled(self._products, msgspec.structs.replace(new, variants=variants), "")

    def filled_variant(self, new: NewVariant) -> NewVariant:
        """The same for one more variant."""
        return _filled(self._variants, new, "")

    def merged(self, kept: Product | Variant, given: Any, by: Writer) -> Values:
        """What is ``kept`` with what is ``given``; see :meth:`Fields.merged`."""
        fields = self._products if isinstance(kept, Product) else self._variants
        return fields.merged(kept.extensions, given, by)

    def imported(self, kept: Product | Variant, plugin: str, values: dict[str, Any]) -> Values:
        """What is kept when an archive says what ``plugin`` keeps; nobody else's is touched."""
        fields = self._products if isinstance(kept, Product) else self._variants
        others = {code: own for code, own in kept.extensions.items() if code != plugin}
        if fields.knows(plugin):
            return fields.merged(others, {plugin: values}, Writer.PLUGIN)
        return others | {plugin: values} if values else others

    def product_for_staff(self, product: Product) -> Product:
        """As the admin API shows it: fields of enabled plugins, with their defaults."""
        if not self._products and not self._variants and not _keeps(product):
            return product
        return msgspec.structs.replace(
            product,
            extensions=self._products.shown(product.extensions, Audience.ADMIN),
            variants=tuple(self.variant_for_staff(each) for each in product.variants),
        )

    def variant_for_staff(self, variant: Variant) -> Variant:
        """Likewise."""
        if not self._variants and not variant.extensions:
            return variant
        shown = self._variants.shown(variant.extensions, Audience.ADMIN)
        return msgspec.structs.replace(variant, extensions=shown)

    def product_conditions(self, parameters: Iterable[tuple[str, str]]) -> list[FieldCondition]:
        """What ``?extensions.…`` asks of the list of products."""
        return self._products.conditions(parameters)

    def variant_conditions(self, parameters: Iterable[tuple[str, str]]) -> list[FieldCondition]:
        """Likewise of variants."""
        return self._variants.conditions(parameters)


def _filled(fields: Fields, new: T, at: str) -> T:
    if not fields and new.extensions is UNSET:
        return new
    given = {} if new.extensions is UNSET else new.extensions
    values = fields.merged({}, given, Writer.ADMIN, at=at)
    fields.complete(values, at=at)
    return msgspec.structs.replace(new, extensions=dict(values))


def _keeps(product: Product) -> bool:
    return bool(product.extensions) or any(each.extensions for each in product.variants)
