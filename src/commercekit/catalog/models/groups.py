"""Brands and categories."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from commercekit.catalog.models.words import (
    Slug,
    Texts,
)

__all__ = [
    "Brand",
    "BrandChange",
    "Category",
    "CategoryChange",
    "CategoryMove",
    "NewBrand",
    "NewCategory",
]


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
