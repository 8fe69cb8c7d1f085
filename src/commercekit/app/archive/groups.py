"""What products hang on: categories in their order, brands, and definitions of attributes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import msgspec

from commercekit.app.archive.sheets import (
    Line,
    RowRefused,
    Sheet,
    SheetReport,
    flag_cell,
    json_cell,
    texts_in,
    texts_out,
)
from commercekit.catalog import (
    BrandChange,
    CategoryChange,
    CategoryMove,
    NewAttribute,
    NewBrand,
    NewCategory,
)
from commercekit.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commercekit.catalog import CatalogService, Category

__all__ = ["Attributes", "Brands", "Categories"]

T = TypeVar("T")

_MANY = 100_000


class Categories(Sheet):
    """The tree from the top; the order of the rows is the order of siblings."""

    name = "categories.csv"

    def __init__(self, catalog: CatalogService) -> None:
        self._catalog = catalog
        self._order: list[str] = []

    async def columns(self) -> Sequence[str]:
        """Address, whom it hangs below, and its names."""
        names = [category.name for category in await self._catalog.categories()]
        self._languages = sorted({language for name in names for language in name})
        return ["Handle", "Parent", *texts_out("Name", self._languages)]

    async def rows(self) -> AsyncIterator[Sequence[str]]:
        """Each category before those below it."""
        categories = await self._catalog.categories()
        slugs = {category.id: category.slug for category in categories}
        below: dict[UUID | None, list[Category]] = {}
        for category in categories:
            below.setdefault(category.parent_id, []).append(category)
        for category in _walk(below, None):
            parent = slugs[category.parent_id] if category.parent_id else ""
            names = [category.name.get(language, "") for language in self._languages]
            yield [category.slug, parent, *names]

    async def take(self, lines: Sequence[Line], report: SheetReport) -> None:
        """Make what is missing, rename and move what is there."""
        for line in lines:
            report.rows += 1
            try:
                report.changed += await self._one(line)
            except Refused as refused:
                report.refuse(line.number, refused)

    async def _one(self, line: Line) -> bool:
        slug = line.text("Handle")
        parent = line.text("Parent", "")
        above = await self._catalog.category_by_slug(parent) if parent else None
        if parent and above is None:
            message = f"There is no category {parent[:99]!r}."
            raise RowRefused(message, column="Parent", code="unknown-category")
        parent_id = above.id if above else None
        names = texts_in(line, "Name")
        self._order.append(slug)
        found = await self._catalog.category_by_slug(slug)
        if found is None:
            new = {"slug": slug, "name": names, "parent_id": parent_id}
            await self._catalog.create_category(_checked(new, NewCategory))
            return True
        if (found.name, found.parent_id) == (names, parent_id):
            return False
        change = _checked({"name": names}, CategoryChange)
        if found.parent_id != parent_id:
            change = msgspec.structs.replace(change, parent_id=parent_id)
        await self._catalog.change_category(found.id, change)
        return True

    async def finish(self) -> None:
        """Put siblings into the order of the file; others of the shop's stay before them."""
        place = {slug: number for number, slug in enumerate(self._order)}
        below: dict[UUID | None, list[Category]] = {}
        for category in await self._catalog.categories():
            if category.slug in place:
                below.setdefault(category.parent_id, []).append(category)
        for siblings in below.values():
            wanted = sorted(siblings, key=lambda each: place[each.slug])
            if wanted != siblings:
                for category in wanted:
                    move = CategoryMove(parent_id=category.parent_id, position=_MANY)
                    await self._catalog.move_category(category.id, move)


def _walk(below: dict[UUID | None, list[Category]], top: UUID | None) -> Iterator[Category]:
    for category in below.get(top, ()):
        yield category
        yield from _walk(below, category.id)


class Brands(Sheet):
    """Brands by address; logos are uploads, which stay where they are."""

    name = "brands.csv"

    def __init__(self, catalog: CatalogService) -> None:
        self._catalog = catalog

    async def columns(self) -> Sequence[str]:
        """Address and names."""
        names = [brand.name for brand in await self._catalog.brands(limit=_MANY)]
        self._languages = sorted({language for name in names for language in name})
        return ["Handle", *texts_out("Name", self._languages)]

    async def rows(self) -> AsyncIterator[Sequence[str]]:
        """All brands, in use or not."""
        for brand in await self._catalog.brands(limit=_MANY):
            yield [brand.slug, *(brand.name.get(language, "") for language in self._languages)]

    async def take(self, lines: Sequence[Line], report: SheetReport) -> None:
        """Make what is missing, rename what is there."""
        for line in lines:
            report.rows += 1
            try:
                slug, names = line.text("Handle"), texts_in(line, "Name")
                found = await self._catalog.brand_by_slug(slug)
                if found is None:
                    await self._catalog.create_brand(
                        _checked({"slug": slug, "name": names}, NewBrand)
                    )
                elif found.name != names:
                    await self._catalog.change_brand(
                        found.id, _checked({"name": names}, BrandChange)
                    )
                else:
                    continue
                report.changed += 1
            except Refused as refused:
                report.refuse(line.number, refused)


class Attributes(Sheet):
    """Definitions by type and code, in use or not; one that is there stays as it is."""

    name = "attributes.csv"

    def __init__(self, catalog: CatalogService) -> None:
        self._catalog = catalog

    async def columns(self) -> Sequence[str]:
        """Names and choices are JSON."""
        return ["Type", "Code", "Kind", "Unit", "Required", "Position", "Name", "Choices"]

    async def rows(self) -> AsyncIterator[Sequence[str]]:
        """All definitions."""
        found = await self._catalog.attributes(limit=_MANY)
        for each in sorted(found, key=lambda each: (each.product_type, each.position, each.code)):
            yield [
                each.product_type,
                each.code,
                each.kind.value,
                each.unit,
                flag_cell(each.required),
                str(each.position),
                json_cell(each.name),
                json_cell(each.choices) if each.choices else "",
            ]

    async def take(self, lines: Sequence[Line], report: SheetReport) -> None:
        """Define what is missing."""
        known = {
            (each.product_type, each.code) for each in await self._catalog.attributes(limit=_MANY)
        }
        for line in lines:
            report.rows += 1
            try:
                new = _checked(
                    {
                        "product_type": line.text("Type"),
                        "code": line.text("Code"),
                        "name": line.convert("Name", dict[str, str], {}),
                        "kind": line.text("Kind"),
                        "unit": line.text("Unit", ""),
                        "choices": line.convert("Choices", list[dict[str, object]], []),
                        "required": line.flag("Required", fallback=False),
                        "position": line.number_in("Position", 0),
                    },
                    NewAttribute,
                )
                if (new.product_type, new.code) not in known:
                    await self._catalog.define_attribute(new)
                    report.changed += 1
            except Refused as refused:
                report.refuse(line.number, refused)


def _checked(given: Mapping[str, object], kind: type[T]) -> T:
    """The struct of these fields, held to what the web would hold it to."""
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        message = f"{error}."
        raise RowRefused(message, code="not-allowed") from None
