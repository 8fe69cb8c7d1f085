"""What came of an import."""

from msgspec import Struct, field

__all__ = ["MAX_REPORTED", "ImportReport", "RowFault"]

MAX_REPORTED = 1000
"""Faults beyond this many are counted, not listed."""


class RowFault(Struct, frozen=True):
    """One thing wrong with one cell. Row 1 is the header, as spreadsheets count."""

    row: int
    column: str
    """The column's title, empty for the row as a whole."""
    code: str
    message: str


class ImportReport(Struct, kw_only=True):
    """Counts of products, and what kept some of them out. Warnings kept nothing out."""

    dry_run: bool = False
    rows: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: int = 0
    variants: int = 0
    images: int = 0
    errors: list[RowFault] = field(default_factory=list)
    warnings: list[RowFault] = field(default_factory=list)
    unlisted: int = 0
    """Faults beyond the first thousand of each list."""
    ignored_columns: list[str] = field(default_factory=list)
    """Columns of the file that mean nothing to us."""

    @property
    def products(self) -> int:
        """How many products the file holds."""
        return self.created + self.changed + self.unchanged + self.failed

    def refuse(self, faults: list[RowFault]) -> None:
        """Count one product as failed for these faults."""
        self.failed += 1
        self._list(self.errors, faults)

    def warn(self, faults: list[RowFault]) -> None:
        """Note what was left out of a product that came in."""
        self._list(self.warnings, faults)

    def _list(self, where: list[RowFault], faults: list[RowFault]) -> None:
        room = max(0, MAX_REPORTED - len(where))
        where.extend(faults[:room])
        self.unlisted += max(0, len(faults) - room)
