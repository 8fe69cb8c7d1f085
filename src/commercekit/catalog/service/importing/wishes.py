"""What a draft wishes a product to be: the file's word where it has one, the present state elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

import msgspec

from commercekit.catalog import rules
from commercekit.catalog.errors import ProductRefused
from commercekit.catalog.models import (
    Attribute,
    NewImage,
    NewProduct,
    NewVariant,
    Option,
    OptionValue,
    Product,
)
from commercekit.catalog.service.importing.drafts import ProductDraft, VariantDraft, labels_of
from commercekit.catalog.service.saving import as_wanted

__all__ = ["Groups", "brand_slug_of", "shelf_paths_of", "wish"]

Path = list[tuple[str, dict[str, str]]]
"""A category with all above it, from the top, as slugs and names."""


class Groups(NamedTuple):
    """What a batch stands on, by slug, and by type and code."""

    brands: dict[str, UUID]
    shelves: dict[str, UUID]
    attributes: dict[str, list[Attribute]]

    def lacks(self, draft: ProductDraft, language: str) -> bool:
        """Whether the draft names a brand or a category that is to be made first."""
        if draft.brand and brand_slug_of(draft, language) not in self.brands:
            return True
        paths = shelf_paths_of(draft, language)
        return any(slug not in self.shelves for path in paths for slug, _ in path)

    def undefined(self, draft: ProductDraft) -> bool:
        """Whether the draft has an attribute that its type does not have yet."""
        return any(
            all(each.code != new.code for each in self.attributes.get(new.product_type, ()))
            for new, _ in draft.attributes or ()
        )


def brand_slug_of(draft: ProductDraft, language: str) -> str:
    """The address of the draft's brand; it has one."""
    name = draft.brand.get(language) or next(iter(draft.brand.values()))
    return draft.brand_slug or rules.slugify(name) or "brand"


def shelf_paths_of(draft: ProductDraft, language: str) -> list[Path]:
    """Where the draft is shelved; its type alone is a shelf at the top."""
    if draft.shelves is not None:
        return [path for path in draft.shelves if path]
    if not draft.category:
        return []
    name = draft.category.get(language) or next(iter(draft.category.values()))
    return [[(rules.slugify(name) or "category", draft.category)]]


def wish(draft: ProductDraft, current: Product | None, groups: Groups, language: str) -> NewProduct:
    """What the product shall be. Brand and categories that ``groups`` lacks are left out."""
    base = as_wanted(current) if current else NewProduct(slug=draft.slug, name={})
    if not draft.name and current is None:
        message = "The first row of a product carries its title."
        raise ProductRefused(message, column="Title", code="missing-title")
    options = _options(draft, base)
    known = (groups.shelves.get(path[-1][0]) for path in shelf_paths_of(draft, language))
    shelves = tuple(each for each in known if each is not None)
    brand_id = base.brand_id
    if draft.brand:
        brand_id = groups.brands.get(brand_slug_of(draft, language))
    file_urls = {image.url for image in draft.images}
    kept = tuple(image for image in base.images if image.url not in file_urls)
    before = {image.url: image for image in base.images}
    says_status = bool({"Status", "Published"} & draft.given) or current is None
    return msgspec.structs.replace(
        base,
        name={**base.name, **draft.name},
        description={**base.description, **draft.description},
        status=draft.status if says_status else base.status,
        brand_id=brand_id,
        type=draft.type or base.type,
        tags=draft.tags if "Tags" in draft.given else base.tags,
        category_ids=shelves if draft.shelves is not None else (*base.category_ids, *shelves),
        seo_title={**base.seo_title, **draft.seo_title},
        seo_description={**base.seo_description, **draft.seo_description},
        options=options,
        images=tuple(_image(image, before.get(image.url)) for image in draft.images) + kept,
        attributes=base.attributes
        if draft.attributes is None
        else {new.code: value for new, value in draft.attributes},
        publish_at=draft.publish_at if "Publish At" in draft.given else base.publish_at,
        unpublish_at=draft.unpublish_at if "Unpublish At" in draft.given else base.unpublish_at,
        variants=_variants(draft, base, options),
    )


def _image(image: NewImage, before: NewImage | None) -> NewImage:
    if before is None:
        return image
    return NewImage(url=image.url, alt={**before.alt, **image.alt}, media_id=before.media_id)


def _options(draft: ProductDraft, base: NewProduct) -> tuple[Option, ...]:
    """The file's options; values and translations that only the product has stay."""
    if draft.options is not None:
        return draft.options
    if not draft.variants:
        return base.options
    before = {option.code: option for option in base.options}
    options = []
    for code in draft.option_codes:
        old = before.get(code)
        old_values = {value.code: value for value in old.values} if old else {}
        values = [
            OptionValue(
                code=value,
                label={**(old_values[value].label if value in old_values else {}), **labels},
            )
            for value, labels in labels_of(draft, code)
        ]
        named = {value.code for value in values}
        values += [value for key, value in old_values.items() if key not in named]
        name = {**(old.name if old else {}), **draft.option_names[code]}
        options.append(Option(code=code, name=name, values=tuple(values)))
    return tuple(options)


def _variants(
    draft: ProductDraft, base: NewProduct, options: tuple[Option, ...]
) -> tuple[NewVariant, ...]:
    """The file's variants, then those that only the product has, which must fit its options still."""
    if not draft.variants:
        return base.variants
    by_sku = {variant.sku: variant for variant in base.variants}
    by_values = {tuple(variant.options.values()): variant for variant in base.variants}
    used: set[str] = set()
    result = tuple(_matched(draft, by_sku, by_values, used))
    left = [variant for variant in base.variants if variant.sku not in used]
    for kept in left:
        if rules.combination(options, kept.options) is None:
            message = f"Variant {kept.sku!r} is not in the file and does not fit its options."
            raise ProductRefused(message, column="Option1 Name", code="options-conflict")
    return (*result, *left)


def _matched(
    draft: ProductDraft,
    by_sku: dict[str, NewVariant],
    by_values: dict[tuple[str, ...], NewVariant],
    used: set[str],
) -> Iterator[NewVariant]:
    for variant in draft.variants:
        chosen = dict(zip(draft.option_codes, variant.values, strict=True))
        old = by_sku.get(variant.sku) if variant.sku else by_values.get(variant.values)
        twin = by_values.get(variant.values)
        if variant.sku and old is None and twin is not None:
            message = f"This combination is sold as {twin.sku!r}; a SKU does not change."
            raise ProductRefused(message, row=variant.row, column="Variant SKU", code="sku-differs")
        if old is not None:
            used.add(old.sku)
        yield _variant(variant, old, chosen)


def _variant(draft: VariantDraft, old: NewVariant | None, chosen: dict[str, str]) -> NewVariant:
    return NewVariant(
        sku=old.sku if old else draft.sku,
        options=chosen,
        barcode=draft.barcode or (old.barcode if old else ""),
        weight_grams=draft.weight_grams,
        tax_class=draft.tax_class,
        requires_shipping=draft.requires_shipping,
        image_url=draft.image_url or (old.image_url if old else ""),
    )
