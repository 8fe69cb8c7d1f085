"""Records of wishes: good ones, and every way to keep them badly."""

from __future__ import annotations

import itertools
import logging
from uuid import UUID

import pytest

from commercekit.errors import NotFound
from commercekit.kernel import new_id
from commercekit.platform.security import MasterKey, Sealer
from commercekit.testing import plugin_context
from commercekit.testing.conformance import PersonalRecordsContract
from tests.app.wishes import TABLE, Wishes

__all__ = ["BROKEN", "GoodContract", "GoodRecords", "made"]

_log = logging.getLogger("acme")
_numbers = itertools.count(1)


async def made(kind, database):
    """Records of a kind, on the test's database."""
    sealer = Sealer(MasterKey(b"m" * 32))
    await sealer.load(database, [TABLE])
    return kind(plugin_context("acme", db=database, sealer=sealer))


class GoodRecords(Wishes):
    """Wishes of accounts, and of guests by their address."""

    def guest(self, email):
        """Under what a guest's wishes are kept."""
        return UUID(bytes=self.sealer.blind_index(TABLE, "owner_id", email))

    def owners(self, account):
        """Under what an account's wishes are kept."""
        return [account.id] + ([self.guest(account.email)] if account.email_proven_at else [])

    async def export(self, account):
        return [text for each in self.owners(account) for text in await self.of(each)]

    async def of(self, owner_id):
        rows = await self.db.fetch(
            "SELECT id, text FROM acme_wish WHERE owner_id = $1 ORDER BY id", owner_id
        )
        opened = self.sealer.open
        return [opened(TABLE, "text", row["id"], row["text"]).decode() for row in rows]

    async def erase(self, uow, account):
        for each in self.owners(account):
            await uow.execute("DELETE FROM acme_wish WHERE owner_id = $1", each)


class GoodContract(PersonalRecordsContract):
    """What a plugin's suite says of its records."""

    plugin = "acme"
    tables = (TABLE,)

    @pytest.fixture
    async def records(self, database):
        return await made(GoodRecords, database)

    async def keep(self, records, account):
        text = f"a paper boat, number {next(_numbers)}, for 雷"
        await records.wish(account.id, text)
        return [text]

    async def keep_by_address(self, records, email):
        text = f"a kite, number {next(_numbers)}, of a guest"
        await records.wish(records.guest(email), text)
        return [text]


class Misnamed(GoodRecords):
    name = "acmewishes"


class Forgetful(GoodRecords):
    async def export(self, account):
        return (await super().export(account))[:1]


class Strange(GoodRecords):
    async def export(self, account):
        return [object()]


class Public(GoodRecords):
    async def export(self, account):
        rows = await self.db.fetch("SELECT DISTINCT owner_id FROM acme_wish")
        return [text for row in rows for text in await self.of(row["owner_id"])]


class Noting(GoodRecords):
    async def export(self, account):
        told = await super().export(account)
        if told:
            await self.wish(account.id, f"asked {next(_numbers)} times")
        return told


class Trusting(GoodRecords):
    def owners(self, account):
        return [account.id, self.guest(account.email)]


class Unproven(GoodRecords):
    def owners(self, account):
        return [account.id]


class Unfriendly(GoodRecords):
    async def export(self, account):
        found = await super().export(account)
        if not found and account.email_proven_at:
            raise NotFound
        return found


class Clinging(GoodRecords):
    async def erase(self, uow, account):
        pass


class Hiding(GoodRecords):
    """Tells nothing of it any more, and keeps it."""

    def __init__(self, ctx):
        super().__init__(ctx)
        self.hidden = set()

    def owners(self, account):
        return [each for each in super().owners(account) if each not in self.hidden]

    async def erase(self, uow, account):
        uow.after_commit(lambda: self.hidden.add(account.id))


class Hasty(GoodRecords):
    """Forgets in its own memory, whatever becomes of the transaction."""

    def __init__(self, ctx):
        super().__init__(ctx)
        self.gone = set()

    def owners(self, account):
        return [each for each in super().owners(account) if each not in self.gone]

    async def erase(self, uow, account):
        await super().erase(uow, account)
        self.gone.add(account.id)


class Once(GoodRecords):
    def __init__(self, ctx):
        super().__init__(ctx)
        self.gone = set()

    async def erase(self, uow, account):
        if account.id in self.gone:
            raise NotFound
        await super().erase(uow, account)
        uow.after_commit(lambda: self.gone.add(account.id))


class Sweeping(GoodRecords):
    async def erase(self, uow, account):
        await uow.execute("DELETE FROM acme_wish")


class Open(GoodRecords):
    async def wish(self, owner_id, text):
        await self.db.execute(
            "INSERT INTO acme_wish (id, owner_id, text) VALUES ($1, $2, $3)",
            new_id(),
            owner_id,
            text.encode(),
        )

    async def of(self, owner_id):
        rows = await self.db.fetch(
            "SELECT text FROM acme_wish WHERE owner_id = $1 ORDER BY id", owner_id
        )
        return [row["text"].decode() for row in rows]


class Talkative(GoodRecords):
    async def erase(self, uow, account):
        _log.info("forgetting %s", account.email)
        await super().erase(uow, account)


BROKEN = {
    Misnamed: {"declares-itself"},
    Forgetful: {"tells-what-it-keeps"},
    Strange: {"tells-what-can-be-written"},
    # Whoever is told of everybody hears of guests, too, and when others leave.
    Public: {"asks-for-proof-of-addresses", "leaves-others-alone", "tells-nobody-elses"},
    # What grows by being told is never again as it was.
    Noting: {"forgets-with-the-transaction", "leaves-others-alone", "tells-again-the-same"},
    Trusting: {"asks-for-proof-of-addresses"},
    Unproven: {"asks-for-proof-of-addresses"},
    Unfriendly: {"knows-strangers"},
    Clinging: {"forgets-with-the-account"},
    Hiding: {"forgets-with-the-account"},
    Hasty: {"forgets-with-the-transaction"},
    Once: {"forgets-once-more"},
    Sweeping: {"leaves-others-alone"},
    Open: {"seals-what-it-keeps"},
    Talkative: {"keeps-quiet"},
}
