"""Lists that are narrowed down by somebody who knows what their rows refer to."""

from __future__ import annotations

from uuid import UUID

from commercekit.kernel import PageRequest
from commercekit.platform.security import NothingReached, Reach, narrowed_page


class Row:
    def __init__(self, number: int, reference: str, maker: str) -> None:
        self.id, self.reference, self.maker = UUID(int=number), reference, maker


class Known:
    async def references_within(self, references, reach: Reach):
        return {each for each in references if reach.has_market(each)}


KNOWN = Known()


async def test_a_narrowed_list_misses_nothing_and_shows_nothing_twice() -> None:
    rows = [
        Row(number, "eu" if number % 7 == 0 else "uk", "ann" if number % 50 == 1 else "bob")
        for number in range(1300, 0, -1)
    ]

    async def read(limit: int, before: UUID | None) -> list[Row]:
        return [row for row in rows if before is None or row.id < before][:limit]

    async def every(reach: Reach, known: object = KNOWN) -> list[int]:
        found: list[int] = []
        cursor: str | None = None
        for _ in range(2000):
            page = await narrowed_page(
                PageRequest(limit=20, after=(cursor,) if cursor else None),
                read,
                reach,
                known,
                maker=lambda row: row.maker,
            )
            assert len(page.items) <= 20
            found += [row.id.int for row in page.items]
            if page.next_cursor is None:
                return found
            cursor = page.next_cursor
        raise AssertionError("it has no end")

    eu = [row.id.int for row in rows if row.reference == "eu"]
    anns = [row.id.int for row in rows if row.maker == "ann"]
    assert await every(Reach(markets=frozenset({"eu"}))) == eu
    assert await every(Reach(own="ann")) == anns
    both = [number for number in range(1300, 0, -1) if number in {*eu, *anns}]
    assert await every(Reach(markets=frozenset({"eu"}), own="ann")) == both
    assert await every(Reach(everything=True)) == list(range(1300, 0, -1))
    assert await every(Reach(markets=frozenset({"eu"})), NothingReached()) == []
    assert await every(Reach()) == []
