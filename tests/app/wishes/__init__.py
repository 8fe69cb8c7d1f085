"""A plugin of the tests: what customers wish for, in a table of its own."""

from __future__ import annotations

from typing import Any

from commercekit.identity import PersonalRecords
from commercekit.kernel import new_id
from commercekit.platform.security import SealedTable

__all__ = ["APP", "SEALED", "TABLE", "Wishes"]

APP = "tests.app.wishes.piccolo_app"
TABLE = "acme_wish"
SEALED = SealedTable(TABLE, ("text",))


class Wishes(PersonalRecords):
    """Sealed, told to whoever made them, gone with their account."""

    name = "acme-wishes"

    def __init__(self, ctx):
        self.db, self.sealer = ctx.db, ctx.sealer

    async def wish(self, owner_id, text):
        row_id = new_id()
        sealed = self.sealer.seal(TABLE, "text", row_id, text.encode())
        await self.db.execute(
            "INSERT INTO acme_wish (id, owner_id, text) VALUES ($1, $2, $3)",
            row_id,
            owner_id,
            sealed,
        )

    async def export(self, account) -> Any:
        rows = await self.db.fetch(
            "SELECT id, text FROM acme_wish WHERE owner_id = $1 ORDER BY id", account.id
        )
        opened = self.sealer.open
        return [opened(TABLE, "text", row["id"], row["text"]).decode() for row in rows]

    async def erase(self, uow, account) -> None:
        await uow.execute("DELETE FROM acme_wish WHERE owner_id = $1", account.id)
