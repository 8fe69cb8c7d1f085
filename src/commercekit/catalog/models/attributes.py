"""Options of a product, and attributes of products of one type."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from commercekit.catalog.models.words import (
    MAX_VARIANTS,
    Texts,
)

__all__ = [
    "Attribute",
    "AttributeChange",
    "AttributeKind",
    "AttributeValue",
    "NewAttribute",
    "Option",
    "OptionValue",
]

AttributeValue = bool | int | float | str | dict[str, str]
"""Of a boolean; a number; the code of a choice; a text by language."""


class AttributeKind(StrEnum):
    """What values an attribute has."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"


class OptionValue(Struct, frozen=True, forbid_unknown_fields=True):
    """One choice, such as Small; ``code`` is what variants name, ``label`` what shoppers read."""

    code: Annotated[str, Meta(min_length=1, max_length=100)]
    label: Texts = {}


class Option(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing to choose, such as Size, with its choices in the order shown."""

    code: Annotated[str, Meta(min_length=1, max_length=100)]
    name: Texts = {}
    values: Annotated[tuple[OptionValue, ...], Meta(min_length=1, max_length=MAX_VARIANTS)] = ()


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
