"""The file as a stream of products: each the rows that share a handle."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from commercekit.catalog.errors import ImportFileUnreadable
from commercekit.catalog.service.importing.seen import FirstRows

__all__ = [
    "COLUMNS",
    "TRANSLATED",
    "ProductRows",
    "Row",
    "columns_of",
    "read_rows",
    "unescaped_cell",
]

COLUMNS = (
    "Handle",
    "Title",
    "Body (HTML)",
    "Vendor",
    "Type",
    "Tags",
    "Published",
    "Status",
    "Option1 Name",
    "Option1 Value",
    "Option2 Name",
    "Option2 Value",
    "Option3 Name",
    "Option3 Value",
    "Variant SKU",
    "Variant Grams",
    "Variant Inventory Tracker",
    "Variant Inventory Qty",
    "Variant Inventory Policy",
    "Variant Price",
    "Variant Compare At Price",
    "Variant Requires Shipping",
    "Variant Taxable",
    "Variant Barcode",
    "Variant Image",
    "Cost per item",
    "Image Src",
    "Image Position",
    "Image Alt Text",
    "SEO Title",
    "SEO Description",
    "Vendor Handle",
    "Categories",
    "Options",
    "Variant Tax Class",
    "Variant Priced",
    "Attributes",
    "Related",
    "Publish At",
    "Unpublish At",
)
"""What we read of the format; other columns are reported as ignored. The last nine are ours."""

TRANSLATED = (
    "Title",
    "Body (HTML)",
    "Vendor",
    "Type",
    "Option1 Name",
    "Option1 Value",
    "Option2 Name",
    "Option2 Value",
    "Option3 Name",
    "Option3 Value",
    "Image Alt Text",
    "SEO Title",
    "SEO Description",
)
"""Columns that may come again in another language, as in ``Title [zh]``; an addition of ours."""

_WITH_APOSTROPHE = ("Variant SKU", "Variant Barcode")
"""Shopify writes one before these, whatever follows."""
_MAX_COLUMNS = 500
_MAX_ROWS_OF_ONE = 2000
_TRANSLATION = re.compile(r"^(?P<column>.+?)\s*\[(?P<language>[A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*)\]$")
_BY_FOLDED = {column.casefold(): column for column in COLUMNS}
_TRANSLATED_BY_FOLDED = {column.casefold(): column for column in TRANSLATED}


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its number as spreadsheets count, and its non-blank cells by column."""

    number: int
    cells: Mapping[str, str]
    surplus: bool = False
    """Whether it has more cells than the header."""
    translated: bool = True
    """Whether the file has columns in other languages at all."""

    def get(self, column: str) -> str:
        """The cell, stripped; empty when it or its column is missing."""
        return self.cells.get(column, "")


@dataclass(slots=True)
class ProductRows:
    """The rows of one handle, in the order of the file."""

    handle: str
    rows: list[Row] = field(default_factory=list)
    repeated: bool = False
    """Whether rows of this handle came before, with others between them."""

    @property
    def first(self) -> Row:
        """The row that carries the title."""
        return self.rows[0]


def columns_of(header: list[str]) -> tuple[list[str | None], list[str]]:
    """What each column of the file is to us (``None``: nothing), and the titles of those ignored.

    Raises :class:`ImportFileUnreadable` without ``Handle``, or with a column that is there twice.
    """
    known: list[str | None] = []
    ignored: list[str] = []
    for title in header:
        name = _canonical(title.strip())
        if name is not None and name in known:
            message = f"The column {name!r} is there twice."
            raise ImportFileUnreadable(message, code="duplicate-column")
        known.append(name)
        if name is None and title.strip():
            ignored.append(title.strip())
    if "Handle" not in known:
        message = (
            "The first row does not name the columns: there is no column 'Handle'. "
            "Expected the CSV format that Shopify exports products in."
        )
        raise ImportFileUnreadable(message, code="no-header")
    return known, ignored


def _canonical(title: str) -> str | None:
    plain = _BY_FOLDED.get(title.casefold())
    if plain:
        return plain
    match = _TRANSLATION.match(title)
    column = _TRANSLATED_BY_FOLDED.get(match["column"].casefold()) if match else None
    return f"{column} [{match['language']}]" if match and column else None


def read_rows(lines: Iterable[str], ignored: list[str]) -> Iterator[ProductRows]:
    """Products of a CSV text, one at a time; memory holds the rows of one only, and all handles.

    Fills ``ignored`` with the titles of columns that mean nothing to us. A byte order mark is dropped.
    Raises :class:`ImportFileUnreadable` for what is no CSV or no UTF-8, naming the row.
    """
    current: ProductRows | None = None
    seen = FirstRows()
    for row in _rows(lines, ignored):
        handle = row.get("Handle")
        if current is None or handle != current.handle or not handle:
            if current is not None:
                yield current
            first = seen.note(handle, row.number)
            current = ProductRows(handle, repeated=bool(handle) and first != row.number)
        if len(current.rows) >= _MAX_ROWS_OF_ONE:
            message = f"More than {_MAX_ROWS_OF_ONE} rows share the handle {handle[:100]!r}."
            raise ImportFileUnreadable(message, code="too-many-rows", row=row.number)
        current.rows.append(row)
    if current is not None:
        yield current


def _rows(lines: Iterable[str], ignored: list[str]) -> Iterator[Row]:
    """The records below the header that are not blank."""
    records = _records(lines)
    header = next(records, None)
    if header is None:
        message = "The file is empty."
        raise ImportFileUnreadable(message, code="empty-file")
    if len(header) > _MAX_COLUMNS:
        message = f"The file has {len(header)} columns; at most {_MAX_COLUMNS} are read."
        raise ImportFileUnreadable(message, code="too-many-columns")
    known, left_out = columns_of(header)
    ignored.extend(left_out)
    translated = any(name.endswith("]") for name in known if name)
    for number, record in enumerate(records, 2):
        row = _row(number, known, record, translated=translated)
        if row.cells or row.surplus:
            yield row


def _records(lines: Iterable[str]) -> Iterator[list[str]]:
    reader = csv.reader(_without_mark(lines), strict=True)
    number = 0
    while True:
        number += 1
        try:
            record = next(reader, None)
        except csv.Error as error:
            message = f"Row {number} is not valid CSV: {error}."
            raise ImportFileUnreadable(message, code="not-csv", row=number) from None
        except UnicodeDecodeError:
            message = f"The file is not UTF-8, near row {number}; save it as 'CSV UTF-8'."
            raise ImportFileUnreadable(message, code="not-utf-8", row=number) from None
        if record is None:
            return
        yield record


def _row(number: int, known: list[str | None], record: list[str], *, translated: bool) -> Row:
    cells = {
        name: text if name in _WITH_APOSTROPHE else unescaped_cell(text)
        for name, cell in zip(known, record, strict=False)
        if name is not None and (text := cell.strip())
    }
    surplus = any(cell.strip() for cell in record[len(known) :])
    return Row(number, cells, surplus, translated)


def unescaped_cell(cell: str) -> str:
    """The cell without the apostrophe that keeps a spreadsheet from taking it for a formula."""
    return cell[1:] if len(cell) > 1 and cell[0] == "'" and cell[1] in "=+-@\t\r'" else cell


def _without_mark(lines: Iterable[str]) -> Iterator[str]:
    for index, line in enumerate(lines):
        yield line.removeprefix("\ufeff") if index == 0 else line
