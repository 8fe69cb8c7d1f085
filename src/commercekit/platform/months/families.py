"""What a domain says of its tables kept by month: what moves together, and what holds a month back."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING

from commercekit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["UUID_TEXT", "Belonging", "Family", "Hold", "families_of", "of_month"]

UUID_TEXT = "^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$"


@dataclass(frozen=True)
class Hold:
    """Something that keeps a month in the shop."""

    sentence: str
    """What it is, in the plural: "orders that are neither completed nor cancelled"."""
    sql: str
    """One SELECT of one column, what is open. ``$1`` is the month's first id, ``$2`` the first id after
    it, ``$3`` the first id that stays in the shop once all the months asked for are gone."""


@dataclass(frozen=True)
class Belonging:
    """Rows of a table that is not kept by month, which go and come with the ids in ``key``."""

    table: str
    key: str
    """A column of ids: uuid, or text that is a UUID for some rows. It should have an index."""
    where: str = "true"
    """Which rows, besides; a condition without parameters."""


@dataclass(frozen=True)
class Family:
    """One domain's tables kept by month. All families move together, each whole."""

    name: str
    tables: tuple[str, ...]
    """Partitioned by month, those that others refer to first."""
    aggregates: tuple[str, ...] = ()
    """Whose facts are theirs: places of consumers and sequences go along."""
    belongings: tuple[Belonging, ...] = ()
    holds: tuple[Hold, ...] = ()
    before_leaving: tuple[str, ...] = ()
    """SQL in the transaction that takes a month out, before; ``$1`` the month, ``$2`` and ``$3`` its
    bounds. For sums that have to be carried on."""
    after_returning: tuple[str, ...] = ()
    """Its undoing, in the transaction that brings the month back; the same parameters."""


def of_month(column: str) -> str:
    """SQL: the text in ``column`` is an id of the month from ``$1`` to before ``$2``."""
    return (
        f"({column} >= $1::uuid::text AND {column} < $2::uuid::text AND {column} ~ '{UUID_TEXT}')"
    )


def families_of(apps: Sequence[str]) -> list[Family]:
    """The families that stand beside ``apps``, module paths such as ``….orders.piccolo_app``.

    An app without a module ``months`` beside it has none. Two of the same name raise
    :class:`~commercekit.errors.ConfigurationError`.
    """
    found: dict[str, Family] = {}
    for app in apps:
        path = f"{app.rpartition('.')[0]}.months"
        if importlib.util.find_spec(path) is None:
            continue
        family = getattr(importlib.import_module(path), "FAMILY", None)
        if family is None:
            continue
        if family.name in found:
            message = f"two families of months are called {family.name}; rename the one in {path}"
            raise ConfigurationError(message)
        found[family.name] = family
    return list(found.values())
