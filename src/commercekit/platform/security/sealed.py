"""What a domain says of its sealed columns, so that they can be sealed anew with another key."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SealedTable"]


@dataclass(frozen=True, slots=True)
class SealedTable:
    """A table with sealed columns. It needs a primary key, by which its rows are walked through."""

    name: str
    columns: tuple[str, ...]
    row_id: str = "id"
    """SQL for what :meth:`~commercekit.platform.security.Sealer.seal` is given as the row's id."""
    is_kept: bool = False
    """Its values never change, as those of an append-only trail: its data key stays, too."""
