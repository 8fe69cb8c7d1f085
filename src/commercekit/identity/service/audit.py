"""Who did what with a privilege: written once, never changed, and provably so."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.identity.models import (
    AuditBreach,
    AuditFilter,
    AuditHead,
    AuditLink,
    AuditRecord,
    AuditReport,
)
from commercekit.identity.repository import AuditRepository
from commercekit.identity.rules import LANES, ChainReader, hash_of
from commercekit.kernel import new_id
from commercekit.platform.security import EVERYWHERE, SealBroken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from commercekit.identity.models import ChainedRecord
    from commercekit.kernel import Clock, PageRequest
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.security import AuditEntry, Reach, Sealer

__all__ = ["AuditTrail"]

_TABLE = "identity_audit_entry"
_BATCH = 1000
_EVERYTHING = AuditFilter()
_NO_HEAD = AuditHead(lane=-1, number=0, hash="")


class AuditTrail:
    """The shop's audit port.

    Entries form chains: each holds the hash of the one before it in its chain, and its own hash sealed
    with a key outside of the database. Writers take whatever chain is free, so that an act never waits
    for the transaction of another to end.
    """

    def __init__(self, db: Database, clock: Clock, sealer: Sealer | None = None) -> None:
        """Without ``sealer`` entries are chained and not sealed, and seals are not looked at."""
        self._db = db
        self._clock = clock
        self._sealer = sealer
        self._repository = AuditRepository(db)

    async def record(self, uow: UnitOfWork, entry: AuditEntry) -> None:
        """Write a privileged act down, in the transaction of the act itself."""
        record = AuditRecord(
            id=entry.id or new_id(),
            at=self._clock.now(),
            actor=entry.actor,
            action=entry.action,
            subject=entry.subject,
            reason=entry.reason,
            request_id=entry.request_id,
            details=entry.details,
        )
        place = await self._repository.take_place(uow)
        number = place.number + 1
        hashed = hash_of(record, lane=place.lane, number=number, previous=place.hash)
        seal = self._sealer.seal(_TABLE, "seal", record.id, hashed) if self._sealer else None
        link = AuditLink(
            lane=place.lane, number=number, previous=place.hash, hash=hashed, seal=seal
        )
        await self._repository.append(uow, record, link)

    async def note(self, entry: AuditEntry) -> None:
        """Write an event down that belongs to no change, such as a refusal."""
        async with self._db.unit_of_work() as uow:
            await self.record(uow, entry)

    async def search(
        self, wanted: AuditFilter, page: PageRequest, *, reach: Reach = EVERYWHERE
    ) -> tuple[list[AuditRecord], tuple[str, ...] | None]:
        """The entries that fit, newest first, and the place to go on from.

        Of one's own acts only if ``reach`` ends there.
        """
        before = UUID(page.after[0]) if page.after else None
        records = await self._repository.search(
            wanted, before=before, limit=page.limit + 1, only_by=reach.maker
        )
        more = len(records) > page.limit
        records = records[: page.limit]
        return records, (str(records[-1].id),) if more else None

    async def list_audit(
        self, page: PageRequest
    ) -> tuple[list[AuditRecord], tuple[str, ...] | None]:
        """Privileged acts, newest first, and the place to go on from."""
        return await self.search(_EVERYTHING, page)

    async def export(
        self, wanted: AuditFilter = _EVERYTHING, *, reach: Reach = EVERYWHERE
    ) -> AsyncIterator[ChainedRecord]:
        """Every entry that fits with its place in the chain, oldest first, as they are read."""
        after = None
        while True:
            batch = await self._repository.export(
                wanted, after=after, limit=_BATCH, only_by=reach.maker
            )
            for each in batch:
                yield each
            if len(batch) < _BATCH:
                return
            after = batch[-1].record.id

    async def heads(self) -> list[AuditHead]:
        """The end of every chain; keep them where the database's owner cannot reach them."""
        return await self._repository.heads()

    async def verify(
        self,
        anchors: Sequence[AuditHead] = (),
        *,
        since: Sequence[AuditHead] | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> AuditReport:
        """Walk along every chain; ``anchors`` are heads from before that must still be in them.

        ``since`` begins behind these heads instead of at the beginning, and takes them to be right.
        Entries written meanwhile are no breach.
        """
        heads = {head.lane: head for head in await self._repository.heads()}
        begin = {head.lane: head for head in since or ()}
        kept: dict[int, dict[int, AuditHead]] = {}
        for anchor in anchors:
            if anchor.lane in begin and anchor.number <= begin[anchor.lane].number:
                continue
            kept.setdefault(anchor.lane, {})[anchor.number] = anchor
        breaches: list[AuditBreach] = []
        checked = 0
        for lane in range(LANES):
            start = begin.get(lane)
            reader = (
                ChainReader(lane, number=start.number, previous=bytes.fromhex(start.hash))
                if start
                else ChainReader(lane)
            )
            expected = kept.get(lane, {})
            while batch := await self._repository.chain(lane, after=reader.number, limit=_BATCH):
                for each in batch:
                    found = [*reader.read(each), *self._seal_of(each)]
                    kept_head = expected.pop(reader.number, _NO_HEAD)
                    if kept_head.hash and reader.previous != bytes.fromhex(kept_head.hash):
                        told = "it is another entry than the anchor names"
                        found.append(_breach(lane, reader.number, each, "forged", told))
                    breaches.extend(found)
                checked += len(batch)
                if on_progress is not None:
                    on_progress(checked)
            breaches.extend(_ends(lane, reader, heads.get(lane), expected.values()))
        unprotected, late = await self._repository.unchained()
        breaches.extend(
            AuditBreach(
                lane=-1, number=0, entry=entry, kind="unchained",
                told="it stands in no chain, though it is younger than the first that does",
            )
            for entry in late
        )  # fmt: skip
        return AuditReport(
            checked=checked,
            unprotected=unprotected,
            breaches=breaches,
            heads=await self._repository.heads(),
        )

    def _seal_of(self, entry: ChainedRecord) -> list[AuditBreach]:
        if self._sealer is None or entry.link is None:
            return []
        link, record = entry.link, entry.record
        if link.seal is None:
            return [_breach(link.lane, link.number, entry, "unsealed", "it has no seal")]
        try:
            sealed = self._sealer.open(_TABLE, "seal", record.id, link.seal)
        except SealBroken:
            told = "its seal is not of this shop's key, or of another entry"
            return [_breach(link.lane, link.number, entry, "forged", told)]
        if sealed == link.hash:
            return []
        return [_breach(link.lane, link.number, entry, "forged", "its seal is over another text")]


def _breach(
    lane: int, number: int, entry: ChainedRecord | None, kind: str, told: str
) -> AuditBreach:
    return AuditBreach(
        lane=lane, number=number, entry=entry.record.id if entry else None, kind=kind, told=told
    )


def _ends(
    lane: int, reader: ChainReader, head: AuditHead | None, missed: Iterable[AuditHead]
) -> list[AuditBreach]:
    """What is missing at the end of a chain: its head, or anchors that were never met, lie further."""
    found: list[AuditBreach] = []
    if head is not None and reader.number < head.number:
        told = f"the chain goes on to {head.number}, and its end is missing"
        found.append(_breach(lane, reader.number, None, "cut-off", told))
    for anchor in missed:
        told = f"entry {anchor.number} was there when the anchor was taken"
        found.append(_breach(lane, anchor.number, None, "cut-off", told))
    return found
