"""Pages by cursor: what a list asks for and what it gives."""

from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct

__all__ = ["MAX_PAGE", "Page", "PageRequest"]

T = TypeVar("T")

MAX_PAGE = 100


class PageRequest(Struct, frozen=True):
    """At most ``limit`` items after the place that ``after`` names (``None``: from the start).

    ``after`` holds the sort key of the last item seen, as the repository wrote it; sealing it into an
    opaque cursor is the web's business.
    """

    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 20
    after: tuple[str, ...] | None = None


class Page(Struct, Generic[T], frozen=True):
    """Items, the place to go on from, and how many there are in all where counting is cheap."""

    items: list[T]
    next_cursor: str | None = None
    total: int | None = None
