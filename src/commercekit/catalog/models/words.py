"""Kinds of text and number that the models share."""

from typing import Annotated

from msgspec import Meta

__all__ = [
    "MAX_OPTIONS",
    "MAX_VARIANTS",
    "Language",
    "LongTexts",
    "Sku",
    "Slug",
    "Tag",
    "TaxClass",
    "Texts",
    "Word",
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
