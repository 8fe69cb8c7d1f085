"""A sheet: rows under named columns, written and read as CSV."""

from __future__ import annotations

import csv
import io
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct, field

from commercekit.catalog import RowFault, escaped_cell, unescaped_cell
from commercekit.errors import Refused, Unprocessable
from commercekit.kernel import Money

__all__ = [
    "AT_ONCE",
    "Line",
    "RowRefused",
    "Sheet",
    "SheetReport",
    "flag_cell",
    "json_cell",
    "moment_cell",
    "read_lines",
    "texts_in",
    "texts_out",
    "written",
]

AT_ONCE = 500
_MAX_LISTED = 1000
_AMOUNT = re.compile(r"^\d{1,12}(\.\d{1,6})?$", re.ASCII)


class RowRefused(Unprocessable):
    """One cell of a sheet that cannot be taken."""

    slug = "row-refused"
    title = "Row refused"
    title_zh = "该行被拒绝"

    def __init__(self, message: str, *, column: str = "", code: str) -> None:
        super().__init__(message, column=column, code=code)
        self.column = column
        self.code = code


class SheetReport(Struct, kw_only=True):
    """What came of one sheet."""

    sheet: str
    rows: int = 0
    changed: int = 0
    failed: int = 0
    errors: list[RowFault] = field(default_factory=list)

    def refuse(self, number: int, refused: Refused) -> None:
        """Note a row that was refused."""
        self.failed += 1
        if len(self.errors) < _MAX_LISTED:
            column = refused.column if isinstance(refused, RowRefused) else ""
            code = refused.code if isinstance(refused, RowRefused) else refused.slug
            self.errors.append(RowFault(number, column, code, refused.detail))


class Line(NamedTuple):
    """A row that is read: its number as spreadsheets count, and its cells."""

    number: int
    cells: Mapping[str, str]

    def text(self, column: str, fallback: str | None = None) -> str:
        """The cell, which must not be empty unless there is a ``fallback``."""
        found = self.cells.get(column, "")
        if found or fallback is not None:
            return found or fallback or ""
        message = f"{column} is needed."
        raise RowRefused(message, column=column, code="missing")

    def number_in(self, column: str, fallback: int | None = None) -> int:
        """A whole number that is not negative."""
        text = self.text(column, None if fallback is None else str(fallback))
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            message = f"{text[:40]!r} is no whole number."
            raise RowRefused(message, column=column, code="not-a-number")
        return int(text)

    def flag(self, column: str, *, fallback: bool) -> bool:
        """True or false."""
        text = self.text(column, flag_cell(fallback)).casefold()
        if text not in {"true", "false"}:
            message = f"{text[:40]!r} is neither true nor false."
            raise RowRefused(message, column=column, code="not-a-flag")
        return text == "true"

    def money(self, column: str, currency: str) -> Money | None:
        """An amount, ``None`` for an empty cell."""
        text = self.text(column, "")
        if not text:
            return None
        if not _AMOUNT.match(text):
            message = f"{text[:40]!r} is no amount."
            raise RowRefused(message, column=column, code="not-a-number")
        money = Money.parse(text, currency)
        if money.to_decimal() != Decimal(text):
            message = f"{text} has more decimals than {currency} has."
            raise RowRefused(message, column=column, code="too-precise")
        return money

    def moment(self, column: str) -> datetime | None:
        """A moment with its zone, ``None`` for an empty cell."""
        text = self.text(column, "")
        if not text:
            return None
        try:
            found = msgspec.convert(text, datetime)
        except msgspec.ValidationError:
            found = None
        if found is None or found.tzinfo is None:
            message = f"{text[:40]!r} is no moment."
            raise RowRefused(message, column=column, code="not-a-moment")
        return found

    def convert(self, column: str, kind: Any, fallback: Any) -> Any:
        """A cell that holds JSON."""
        text = self.text(column, "")
        if not text:
            return fallback
        try:
            return msgspec.json.decode(text, type=kind)
        except (msgspec.DecodeError, RecursionError):
            message = "It is not what an export writes here."
            raise RowRefused(message, column=column, code="not-readable") from None


class Sheet(ABC):
    """One kind of thing: how it is written, and how it is made what a file says."""

    name: str
    """Of the file in the archive."""

    @abstractmethod
    async def columns(self) -> Sequence[str]:
        """The header."""

    @abstractmethod
    def rows(self) -> AsyncIterator[Sequence[str]]:
        """All there is, in an order that depends on nothing but what it is."""

    @abstractmethod
    async def take(self, lines: Sequence[Line], report: SheetReport) -> None:
        """Make the shop what these lines say; what they do not name stays."""

    async def finish(self) -> None:  # noqa: B027 - most have nothing left to do
        """What can be done only once all lines are in."""


async def written(sheet: Sheet) -> AsyncIterator[str]:
    """The sheet as CSV, in pieces."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(await sheet.columns())
    count = 0
    async for row in sheet.rows():
        writer.writerow([escaped_cell(cell) if cell else "" for cell in row])
        count += 1
        if count % AT_ONCE == 0:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def read_lines(lines: Iterable[str]) -> Iterator[Line]:
    """The rows below the header, blank ones left out.

    Raises :class:`RowRefused` for what is no CSV or no UTF-8: what came before is read.
    """
    reader = csv.reader(lines, strict=True)
    header: list[str] | None = None
    number = 0
    while True:
        number += 1
        try:
            record = next(reader, None)
        except csv.Error as error:
            message = f"Row {number} is not valid CSV: {error}."
            raise RowRefused(message, code="not-csv") from None
        except UnicodeDecodeError:
            message = f"Not UTF-8, near row {number}."
            raise RowRefused(message, code="not-utf-8") from None
        if record is None:
            return
        if header is None:
            header = [title.strip() for title in record]
            continue
        cells = {
            title: unescaped_cell(text)
            for title, cell in zip(header, record, strict=False)
            if (text := cell.strip())
        }
        if cells:
            yield Line(number, cells)


def texts_out(column: str, languages: Sequence[str]) -> list[str]:
    """A column for each language."""
    return [f"{column} [{language}]" for language in languages]


def texts_in(line: Line, column: str) -> dict[str, str]:
    """The texts of a line by language."""
    start = f"{column} ["
    return {
        name[len(start) : -1]: text
        for name, text in line.cells.items()
        if name.startswith(start) and name.endswith("]")
    }


def json_cell(value: Any) -> str:
    """A value in one cell."""
    return msgspec.json.encode(value).decode()


def moment_cell(moment: datetime | None) -> str:
    """A moment, in UTC."""
    return msgspec.to_builtins(moment.astimezone(UTC)) if moment else ""


def flag_cell(value: bool) -> str:  # noqa: FBT001 - the cell is the flag
    """As exports write it."""
    return "true" if value else "false"
