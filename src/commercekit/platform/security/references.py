"""What a domain keeps about a reference, for staff who are limited: whoever knows the reference is asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TYPE_CHECKING, Final, Protocol, TypeVar
from uuid import UUID

from commercekit.kernel import Page, PageRequest

if TYPE_CHECKING:
    from commercekit.platform.security.reach import Reach

__all__ = ["NothingReached", "ReferencesWithin", "narrowed_page"]

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
    def id(self) -> UUID: ...
    @property
    def reference(self) -> str: ...


_Row = TypeVar("_Row", bound=_Referring)
Read = Callable[[int, UUID | None], Awaitable[list[_Row]]]
"""So many rows after a place, in the order of the list."""


async def narrowed_page(
    page: PageRequest,
    read: Read[_Row],
    reach: Reach,
    known: ReferencesWithin,
    *,
    maker: Callable[[_Row], str] | None = None,
) -> Page[_Row]:
    """One page of what ``read`` gives, as far as ``reach`` goes; the cursor is an id.

    ``maker`` tells who made a row: whoever is limited to their own records sees those that they made.
    Rows are looked through in their order, so many at once and no more than so many for one page: it may
    be shorter than it was asked for, and goes on by its cursor.
    """
    place = None if page.after is None else UUID(page.after[0])
    if reach.everything:
        items = await read(page.limit + 1, place)
        more = len(items) > page.limit
        items = items[: page.limit]
        return Page(items=items, next_cursor=str(items[-1].id) if more else None)
    shown: list[_Row] = []
    for _ in range(_ROUNDS):
        rows = await read(_AT_ONCE, place)
        within = await known.references_within([row.reference for row in rows], reach)
        for row in rows:
            if row.reference in within or (maker is not None and reach.is_own(maker(row))):
                shown.append(row)
            place = row.id
            if len(shown) == page.limit:
                return Page(items=shown, next_cursor=str(place))
        if len(rows) < _AT_ONCE:
            return Page(items=shown, next_cursor=None)
    return Page(items=shown, next_cursor=str(place))
