"""The contract of :class:`commercekit.identity.PersonalRecords`, rule by rule."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import ClassVar, Final

import msgspec
import pytest

from commercekit.identity import Account, PersonalRecords, Realm
from commercekit.kernel import new_id
from commercekit.platform.db import Database
from commercekit.testing.conformance.contract import Contract, RuleBroken
from commercekit.testing.conformance.gateways.senses import overheard, spellings, told_by
from commercekit.testing.conformance.personal_record_rules import PERSONAL_RECORDS_RULES

__all__ = ["PersonalRecordsContract"]

_TABLE: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_LONG_AGO: Final = datetime(2026, 1, 1, tzinfo=UTC)


class _Undone(Exception):
    """Ends a unit of work without what it did."""


class PersonalRecordsContract(Contract):
    """Inherit it, give the ``records`` and say how something is kept with :meth:`keep`.

    It runs on the test's ``database``, which has the plugin's tables: name its Piccolo app in the fixture
    ``piccolo_apps``. Accounts are made up for each test; their rows are nowhere.
    """

    rules = PERSONAL_RECORDS_RULES
    pytestmark = pytest.mark.asyncio

    plugin: ClassVar[str]
    """The plugin's code."""
    tables: ClassVar[Sequence[str]] = ()
    """The tables in which it keeps what people may not read."""

    # ---------------------------------------------------------------- what a plugin's tests supply

    @pytest.fixture
    def records(self, database: Database) -> PersonalRecords:
        """What is under test, on the test's database."""
        raise NotImplementedError

    async def keep(self, records: PersonalRecords, account: Account) -> Sequence[str]:
        """Have something kept about ``account``, as the plugin does; gives texts that its owner is told.

        At least one, of eight characters or more and different each time, so that they are found again.
        """
        raise NotImplementedError

    async def keep_by_address(self, records: PersonalRecords, email: str) -> Sequence[str]:
        """The same about a guest of whom nothing but the address is known; nothing where it keeps none."""
        return ()

    # ------------------------------------------------------------------------------------- telling

    async def test_declares_itself(self, records: PersonalRecords) -> None:
        """Rule ``declares-itself``: the plugin's code, or what begins with it and a hyphen."""
        name: object = getattr(records, "name", None)
        code = self.plugin
        fits = isinstance(name, str) and (
            name == code or (name.startswith(f"{code}-") and bool(name[len(code) + 1 :].strip()))
        )
        self.hold("declares-itself", fits, f"name is {name!r}, of the plugin {code!r}")

    async def test_tells_what_it_keeps(self, records: PersonalRecords) -> None:
        """Rule ``tells-what-it-keeps``."""
        account = _somebody()
        kept = [*await self.keep(records, account), *await self.keep(records, account)]
        told = await self._told(records, account)
        missing = sum(1 for text in kept if text not in told)
        self.hold(
            "tells-what-it-keeps", not missing, f"{missing} of {len(kept)} texts are left out"
        )

    async def test_tells_what_can_be_written(self, records: PersonalRecords) -> None:
        """Rule ``tells-what-can-be-written``: anything that msgspec makes JSON of."""
        account = _somebody()
        await self.keep(records, account)
        for each in (account, _somebody()):
            found = await records.export(each)
            try:
                msgspec.json.encode(found)
            except (TypeError, ValueError) as error:
                detail = f"{type(found).__name__}: {error}"
                raise self.breach(of="tells-what-can-be-written", seen=detail) from error

    async def test_tells_nobody_elses(self, records: PersonalRecords) -> None:
        """Rule ``tells-nobody-elses``: not even those with a name or a language in common."""
        one, other = _somebody(), _somebody()
        kept = await self.keep(records, one)
        await self.keep(records, other)
        told = await self._told(records, other)
        self.hold(
            "tells-nobody-elses",
            not any(text in told for text in kept),
            "what is kept about one is told to another",
        )

    async def test_tells_again_the_same(self, records: PersonalRecords) -> None:
        """Rule ``tells-again-the-same``."""
        account = _somebody()
        await self.keep(records, account)
        first = await self._told(records, account)
        again = await self._told(records, account)
        self.hold("tells-again-the-same", first == again, "the second export is another one")

    async def test_asks_for_proof_of_addresses(self, records: PersonalRecords) -> None:
        """Rule ``asks-for-proof-of-addresses``: told once ``email_proven_at`` says so, and not before."""
        unproven, proven = _somebody(), _somebody(proven=True)
        kept = await self.keep_by_address(records, unproven.email)
        if not kept:
            self.pass_over("keep_by_address() keeps nothing")
            return
        told = await self._told(records, unproven)
        shown = any(text in told for text in kept)
        self.hold("asks-for-proof-of-addresses", not shown, "told to whoever named the address")
        kept = await self.keep_by_address(records, proven.email)
        told = await self._told(records, proven)
        missing = any(text not in told for text in kept)
        self.hold("asks-for-proof-of-addresses", not missing, "not told to who has proven it")

    # ----------------------------------------------------------------------------------- forgetting

    async def test_knows_strangers(self, records: PersonalRecords, database: Database) -> None:
        """Rule ``knows-strangers``: an export that is empty, and an erasure of nothing."""
        stranger = _somebody(proven=True)
        try:
            await self._told(records, stranger)
            await self._erase(records, database, stranger)
        except RuleBroken:
            raise
        except Exception as error:
            raise self.breach(of="knows-strangers", seen=f"{error!r}") from error

    async def test_forgets_with_the_account(
        self, records: PersonalRecords, database: Database
    ) -> None:
        """Rule ``forgets-with-the-account``: neither told afterwards nor left in :attr:`tables`."""
        account = _somebody()
        before = await self._rows(database)
        kept = await self.keep(records, account)
        own = {table: rows - before[table] for table, rows in (await self._rows(database)).items()}
        await self._erase(records, database, account)
        told = await self._told(records, account)
        shown = any(text in told for text in kept)
        self.hold("forgets-with-the-account", not shown, "still told after the erasure")
        for table, rows in (await self._rows(database)).items():
            left = len(rows & own[table])
            detail = f"{left} of {len(own[table])} rows of {table} are as they were"
            self.hold("forgets-with-the-account", not left, detail)

    async def test_forgets_with_the_transaction(
        self, records: PersonalRecords, database: Database
    ) -> None:
        """Rule ``forgets-with-the-transaction``: what is undone has not happened.

        What lies outside the database is forgotten by a job, enqueued with the unit of work.
        """
        account = _somebody()
        await self.keep(records, account)
        before = await self._told(records, account)
        with suppress(_Undone):
            async with database.unit_of_work() as uow:
                await records.erase(uow, account)
                raise _Undone
        after = await self._told(records, account)
        detail = "something is gone although the deletion was undone"
        self.hold("forgets-with-the-transaction", before == after, detail)

    async def test_forgets_once_more(self, records: PersonalRecords, database: Database) -> None:
        """Rule ``forgets-once-more``."""
        account = _somebody()
        await self.keep(records, account)
        await self._erase(records, database, account)
        try:
            await self._erase(records, database, account)
        except Exception as error:
            raise self.breach(of="forgets-once-more", seen=f"{error!r}") from error

    async def test_leaves_others_alone(self, records: PersonalRecords, database: Database) -> None:
        """Rule ``leaves-others-alone``."""
        one, other = _somebody(), _somebody()
        await self.keep(records, one)
        await self.keep(records, other)
        before = await self._told(records, other)
        await self._erase(records, database, one)
        after = await self._told(records, other)
        self.hold("leaves-others-alone", before == after, "another customer's went along")

    # -------------------------------------------------------------------------------- staying private

    async def test_seals_what_it_keeps(self, records: PersonalRecords, database: Database) -> None:
        """Rule ``seals-what-it-keeps``: no row of :attr:`tables` has a text or the address in clear."""
        account = _somebody()
        kept = await self.keep(records, account)
        if not self.tables:
            self.pass_over("tables names none")
            return
        for table, rows in (await self._rows(database)).items():
            text = "\n".join(rows)
            shown = any(
                each in text for secret in (*kept, account.email) for each in _clear(secret)
            )
            self.hold("seals-what-it-keeps", not shown, f"{table} has it in clear")

    async def test_keeps_quiet(self, records: PersonalRecords, database: Database) -> None:
        """Rule ``keeps-quiet``: neither in logs nor in what it is printed as."""
        account = _somebody(proven=True)
        with overheard() as heard:
            kept = await self.keep(records, account)
            await records.export(account)
            await self._erase(records, database, account)
            printed = [repr(records), str(records)]
        told = [*heard, *printed]
        for secret in (*kept, account.email):
            shown = any(each in text for text in told for each in spellings(secret))
            # The text itself would be told once more by this very message.
            self.hold("keeps-quiet", not shown, "a log line or its print names what is kept")

    # ---------------------------------------------------------------------------------------- asking

    async def _told(self, records: PersonalRecords, account: Account) -> str:
        """The export as it is written, with its letters as they are."""
        try:
            return msgspec.json.encode(await records.export(account)).decode()
        except (TypeError, ValueError) as error:
            raise self.breach(of="tells-what-can-be-written", seen=told_by(error)) from error

    async def _erase(self, records: PersonalRecords, database: Database, account: Account) -> None:
        async with database.unit_of_work() as uow:
            await records.erase(uow, account)

    async def _rows(self, database: Database) -> dict[str, set[str]]:
        """Every row of the plugin's tables, as PostgreSQL writes it."""
        found = {}
        for table in self.tables:
            assert _TABLE.fullmatch(table), f"{table!r} is no name of a table"
            rows = await database.fetch(f'SELECT t::text AS row FROM "{table}" t')  # noqa: S608 - checked above
            found[table] = {row["row"] for row in rows}
        return found


def _somebody(*, proven: bool = False) -> Account:
    """A customer whom nobody knows yet."""
    account_id = new_id()
    return Account(
        id=account_id,
        realm=Realm.CUSTOMER,
        email=f"li.lei.{account_id.hex[-12:]}@example.com",
        name="Li Lei",
        locale="zh",
        scopes=(),
        password_at=_LONG_AGO,
        email_proven_at=_LONG_AGO if proven else None,
        disabled_at=None,
        created_at=_LONG_AGO,
        version=1,
    )


def _clear(secret: str) -> Iterator[str]:
    """The text as a column of text or of bytes shows it."""
    yield secret
    yield secret.encode().hex()
