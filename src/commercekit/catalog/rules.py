"""Pure decisions of the catalogue: what is clean, what a SKU is made of, what makes a product."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import TypeVar

import nh3

from commercekit.catalog.errors import ProductRefused
from commercekit.catalog.models import (
    MAX_OPTIONS,
    MAX_VARIANTS,
    Attribute,
    AttributeKind,
    AttributeValue,
    NewImage,
    NewVariant,
    Option,
    OptionValue,
    ProductStatus,
)
from commercekit.errors import FieldError
from commercekit.kernel import Translations

__all__ = [
    "attribute_errors",
    "check_product",
    "clean_html",
    "clean_option",
    "clean_text",
    "clean_texts",
    "combination",
    "made_up_sku",
    "placed",
    "slugify",
]

T = TypeVar("T")

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LANGUAGE = re.compile("^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
_NO_WORD = re.compile(r"[\W_]+")
_MAX_SKU = 100
_TAG_NAMES = """
    a abbr b blockquote br caption code dd del div dl dt em figcaption figure h2 h3 h4 h5 h6 hr i
    img ins kbd li mark ol p pre q s small span strong sub sup table tbody td tfoot th thead tr u
    ul wbr
"""
_TAGS = set(_TAG_NAMES.split())
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}


def clean_html(html: str) -> str:
    """What may be shown of a description: structure, links and pictures; no script, style or event.

    Cleaning twice gives the same, so that an import can compare with what is stored.
    """
    return nh3.clean(
        _CONTROL.sub("", html).strip(),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    ).strip()


def clean_text(text: str) -> str:
    """Plain text without control characters and surrounding space; PostgreSQL refuses NUL."""
    return _CONTROL.sub("", text).strip()


def clean_texts(texts: Translations) -> dict[str, str]:
    """Every translation cleaned; empty ones left out."""
    cleaned = {language: clean_text(text) for language, text in texts.items()}
    return {language: text for language, text in cleaned.items() if text}


def clean_option(option: Option) -> Option:
    """The option with clean codes and texts; a missing label is the code itself, in English."""
    return Option(
        code=clean_text(option.code),
        name=clean_texts(option.name) or {"en": clean_text(option.code)},
        values=tuple(
            OptionValue(
                code=clean_text(value.code),
                label=clean_texts(value.label) or {"en": clean_text(value.code)},
            )
            for value in option.values
        ),
    )


def slugify(text: str) -> str:
    """Lower case, words joined by hyphens; Chinese characters stay. Empty when nothing is left."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(
        letter if letter.isascii() or "一" <= letter <= "鿿" else _base_letter(letter)
        for letter in folded
    )
    return _NO_WORD.sub("-", kept).strip("-")[:200].strip("-")


def _base_letter(letter: str) -> str:
    base = unicodedata.normalize("NFD", letter)[:1]
    return base if base.isascii() else "-"


def made_up_sku(slug: str, values: Sequence[str], taken: Iterable[str] = ()) -> str:
    """A SKU for a variant that has none: ``HANDLE-OPTION``, numbered when that is ``taken``.

    The same slug and values give the same SKU. One too long ends in a digest instead of being cut to
    what another variant may have.
    """
    parts = [
        _NO_WORD.sub("-", unicodedata.normalize("NFKC", part)).strip("-")
        for part in (slug, *values)
    ]
    whole = "-".join(part for part in parts if part).upper() or "SKU"
    if len(whole) > _MAX_SKU - 4:
        digest = blake2b(whole.encode(), digest_size=5).hexdigest().upper()
        whole = f"{whole[: _MAX_SKU - 15].rstrip('-')}-{digest}"
    used = set(taken)
    if whole not in used:
        return whole
    return next(sku for n in range(2, len(used) + 3) if (sku := f"{whole}-{n}") not in used)


def placed(siblings: Sequence[T], moving: T, position: int | None) -> list[T]:
    """The siblings in their new order: ``moving`` at ``position``, or last; the others keep theirs."""
    others = [each for each in siblings if each != moving]
    others.insert(len(others) if position is None else position, moving)
    return others


def attribute_errors(
    defined: Sequence[Attribute], values: Mapping[str, AttributeValue], *, active: bool
) -> list[FieldError]:
    """What is wrong with the attributes of a product; only an active one needs those required."""
    by_code = {attribute.code: attribute for attribute in defined}
    errors = []
    for code, value in values.items():
        attribute = by_code.get(code)
        if attribute is None:
            message = f"Products of this type have no attribute {code[:63]!r}."
            errors.append(FieldError(f"/attributes/{code[:63]}", "unknown-attribute", message))
        elif not _fits(attribute, value):
            message = f"{code!r} is a {attribute.kind.value}, and this is none it can have."
            errors.append(FieldError(f"/attributes/{code}", "wrong-value", message))
    if active:
        errors += [
            FieldError(f"/attributes/{a.code}", "required", f"An active product needs {a.code!r}.")
            for a in defined
            if a.required and a.code not in values
        ]
    return errors


def _fits(attribute: Attribute, value: AttributeValue) -> bool:
    match attribute.kind:
        case AttributeKind.BOOLEAN:
            return isinstance(value, bool)
        case AttributeKind.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case AttributeKind.CHOICE:
            return isinstance(value, str) and any(c.code == value for c in attribute.choices)
        case AttributeKind.TEXT:
            return (
                isinstance(value, dict)
                and bool(value)
                and all(
                    _LANGUAGE.match(language) and len(text) <= 2000
                    for language, text in value.items()
                )
            )


def combination(options: Sequence[Option], chosen: Mapping[str, str]) -> tuple[str, ...] | None:
    """The chosen value codes in the order of the options, ``None`` when they do not fit exactly."""
    if len(chosen) != len(options):
        return None
    result = []
    for option in options:
        code = chosen.get(option.code)
        if code is None or all(value.code != code for value in option.values):
            return None
        result.append(code)
    return tuple(result)


def check_product(
    *,
    name: Translations,
    status: ProductStatus,
    options: Sequence[Option],
    images: Sequence[NewImage],
    variants: Sequence[NewVariant],
) -> None:
    """Raise :class:`ProductRefused` naming everything that keeps this from being a product."""
    errors: list[FieldError] = []
    if not name:
        errors.append(FieldError("/name", "required", "A product needs a name."))
    errors += _option_errors(options)
    urls = [image.url for image in images]
    if len(set(urls)) != len(urls):
        errors.append(FieldError("/images", "duplicate-image", "A picture is listed twice."))
    if len(variants) > MAX_VARIANTS:
        errors.append(
            FieldError("/variants", "too-many", f"A product has at most {MAX_VARIANTS} variants.")
        )
    if status is ProductStatus.ACTIVE and not variants:
        errors.append(
            FieldError("/status", "no-variants", "A product without variants cannot be active.")
        )
    errors += _variant_errors(options, variants, set(urls))
    if errors:
        raise ProductRefused(errors[0].message, errors=tuple(errors))


def _option_errors(options: Sequence[Option]) -> list[FieldError]:
    errors: list[FieldError] = []
    if len(options) > MAX_OPTIONS:
        errors.append(
            FieldError("/options", "too-many", f"A product has at most {MAX_OPTIONS} options.")
        )
    codes = [option.code for option in options]
    for index, option in enumerate(options):
        if not option.code:
            errors.append(
                FieldError(f"/options/{index}/code", "required", "An option needs a code.")
            )
        if option.code in codes[:index]:
            errors.append(
                FieldError(
                    f"/options/{index}/code", "duplicate-option", f"{option.code!r} is there twice."
                )
            )
        values = [value.code for value in option.values]
        if not all(values) or len(set(values)) != len(values):
            errors.append(
                FieldError(
                    f"/options/{index}/values",
                    "duplicate-value",
                    f"The values of {option.code!r} are blank or repeated.",
                )
            )
    return errors


def _variant_errors(
    options: Sequence[Option], variants: Sequence[NewVariant], urls: set[str]
) -> list[FieldError]:
    errors: list[FieldError] = []
    combinations: set[tuple[str, ...]] = set()
    skus: set[str] = set()
    for index, variant in enumerate(variants):
        place = f"/variants/{index}"
        chosen = combination(options, variant.options)
        if chosen is None:
            errors.append(
                FieldError(
                    f"{place}/options",
                    "not-a-combination",
                    "A variant has exactly one listed value for each option.",
                )
            )
        elif chosen in combinations:
            errors.append(
                FieldError(
                    f"{place}/options",
                    "duplicate-combination",
                    "Another variant has the same option values.",
                )
            )
        else:
            combinations.add(chosen)
        if variant.sku and variant.sku in skus:
            errors.append(
                FieldError(f"{place}/sku", "duplicate-sku", f"{variant.sku!r} is there twice.")
            )
        skus.add(variant.sku)
        if variant.image_url and variant.image_url not in urls:
            errors.append(
                FieldError(
                    f"{place}/image_url", "unknown-image", "It is none of the product's pictures."
                )
            )
    return errors
