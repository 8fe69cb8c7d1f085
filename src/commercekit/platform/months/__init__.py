"""Months that are over: taken out of the shop's tables, kept in files, brought back when needed.

Months are made by :func:`commercekit.platform.db.ensure_partitions`. Here they end. Every domain with
tables kept by month says in its room ``months`` which tables those are, which rows elsewhere belong to
them, and what keeps a month from being over. There is one boundary: all months before it are out of
the shop, all after it are in. It moves forwards by :meth:`Archivist.detach` and back by
:meth:`Archivist.attach`, a whole month of all families at a time.
"""

from commercekit.platform.months.archivist import Archivist
from commercekit.platform.months.errors import (
    Archived,
    ArchiveDamaged,
    MonthHeld,
    MonthsBusy,
    MonthsRefused,
)
from commercekit.platform.months.families import (
    UUID_TEXT,
    Belonging,
    Family,
    Hold,
    families_of,
    of_month,
)
from commercekit.platform.months.listing import (
    MonthState,
    MonthView,
    TableMonth,
    first_of,
    months_of,
)
from commercekit.platform.months.over import LateNews, archived_month, gone_or, late_news, note_late

__all__ = [
    "UUID_TEXT",
    "ArchiveDamaged",
    "Archived",
    "Archivist",
    "Belonging",
    "Family",
    "Hold",
    "LateNews",
    "MonthHeld",
    "MonthState",
    "MonthView",
    "MonthsBusy",
    "MonthsRefused",
    "TableMonth",
    "archived_month",
    "families_of",
    "first_of",
    "gone_or",
    "late_news",
    "months_of",
    "note_late",
    "of_month",
]
