from __future__ import annotations

from piccolo.columns import UUID, Bytea
from piccolo.table import Table

from commercekit.platform.db import ENGINE


class WishRow(Table, db=ENGINE, tablename="acme_wish"):
    id = UUID(primary_key=True, default=None)
    owner_id = UUID(default=None)
    text = Bytea()
