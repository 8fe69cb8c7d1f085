"""What a domain keeps about a reference, for staff who are limited: whoever knows the reference is asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TYPE_CHECKING, Final, Protocol, TypeVar
from uuid import UUID

from commercekit.kernel import Page, PageRequest

if TYPE_CHECKING:
    from commercekit.platform.security.reach import Reach

__all__ = ["NothingReached", "ReferencesWithin", "narrowed", "narrowed_page"]

_AT_ONCE: Final = 100
_ROUNDS: Final = 10
"""So many times a hundred rows are looked through for one page; a shorter page goes on by its cursor."""


class ReferencesWithin(Protocol):
    """Knows what references stand for: orders, whose markets and places limit what staff may see."""

    async def references_within(self, references: Sequence[str], reach: Reach) -> Collection[str]:
        """Those of the references that are within reach; a reference of something else never is."""
        ...


class NothingReached:
    """In a shop where nobody knows what references stand for, a limit reaches nothing."""

    async def references_within(self, references: Sequence[str], reach: Reach) -> Collection[str]:
        """None of them, unless there is no limit."""
        return references if reach.everything else ()


class _Referring(Protocol):
    @property
    def reference(self) -> str: ...


class _Listed(_Referring, Protocol):
    @property
    def id(self) -> UUID: ...


_Place = TypeVar("_Place")
_Row = TypeVar("_Row", bound=_Referring)
_ListedRow = TypeVar("_ListedRow", bound=_Listed)


async def narrowed(
    limit: int,
    place: _Place | None,
    read: Callable[[int, _Place | None], Awaitable[list[_Row]]],
    reach: Reach,
    known: ReferencesWithin,
    *,
    place_of: Callable[[_Row], _Place],
    maker: Callable[[_Row], str] | None = None,
) -> tuple[list[_Row], _Place | None]:
    """At most ``limit`` of the rows behind ``place`` as far as ``reach`` goes, and where to go on.

    ``read`` gives so many rows behind a place, in the order of the list. ``maker`` tells who made a row:
    whoever is limited to their own records sees those that they made. Rows are looked through in their
    order, so many at once and no more than so many for one page: it may be shorter than it was asked for.
    """
    if reach.everything:
        rows = await read(limit + 1, place)
        more = len(rows) > limit
        rows = rows[:limit]
        return rows, place_of(rows[-1]) if more else None
    shown: list[_Row] = []
    for _ in range(_ROUNDS):
        rows = await read(_AT_ONCE, place)
        within = await known.references_within([row.reference for row in rows], reach)
        for row in rows:
            if row.reference in within or (maker is not None and reach.is_own(maker(row))):
                shown.append(row)
            place = place_of(row)
            if len(shown) == limit:
                return shown, place
        if len(rows) < _AT_ONCE:
            return shown, None
    return shown, place


async def narrowed_page(
    page: PageRequest,
    read: Callable[[int, UUID | None], Awaitable[list[_ListedRow]]],
    reach: Reach,
    known: ReferencesWithin,
    *,
    maker: Callable[[_ListedRow], str] | None = None,
) -> Page[_ListedRow]:
    """One page of rows in the order of their ids, see :func:`narrowed`; the cursor is an id."""
    items, after = await narrowed(
        page.limit,
        None if page.after is None else UUID(page.after[0]),
        read,
        reach,
        known,
        place_of=lambda row: row.id,
        maker=maker,
    )
    return Page(items=items, next_cursor=None if after is None else str(after))
