"""Every query on links that were sent by mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from commercekit.identity.models import MailPurpose
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.security import Sealer

__all__ = ["MailProof", "MailProofRepository"]

_TABLE = "identity_mail_proof"
_COLUMNS = "p.id, p.account_id, p.email, p.email_index"


class MailProof(NamedTuple):
    """A link that still works."""

    id: UUID
    account_id: UUID
    email: str
    """Where it was sent to."""
    email_index: bytes


class MailProofRepository:
    """Links in PostgreSQL."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    def seal_asked(self, request_id: UUID, email: str) -> bytes:
        """An address on its way to the job that writes to it."""
        return self._sealer.seal(_TABLE, "asked", request_id, email)

    def open_asked(self, request_id: UUID, sealed: bytes) -> str:
        """The address again."""
        return self._sealer.open(_TABLE, "asked", request_id, sealed, str)

    async def insert(
        self,
        uow: UnitOfWork,
        proof: MailProof,
        purpose: MailPurpose,
        secret_hash: bytes,
        now: datetime,
        expires_at: datetime,
    ) -> None:
        """Add a link."""
        await uow.execute(
            "INSERT INTO identity_mail_proof (id, account_id, purpose, secret_hash, email,"
            " email_index, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            proof.id,
            proof.account_id,
            purpose,
            secret_hash,
            self._sealer.seal(_TABLE, "email", proof.id, proof.email),
            proof.email_index,
            now,
            expires_at,
        )

    async def find(
        self, digest: bytes, purpose: MailPurpose, realm: str, now: datetime
    ) -> MailProof | None:
        """The link, if it works still."""
        row = await self._db.fetchrow(
            f"SELECT {_COLUMNS} FROM identity_mail_proof p"
            " JOIN identity_account a ON a.id = p.account_id"
            " WHERE p.secret_hash = $1 AND p.purpose = $2 AND a.realm = $3"
            " AND p.spent_at IS NULL AND p.expires_at > $4",
            digest,
            purpose,
            realm,
            now,
        )
        if row is None:
            return None
        email = self._sealer.open(_TABLE, "email", row["id"], row["email"], str)
        return MailProof(row["id"], row["account_id"], email, row["email_index"])

    async def spend(self, uow: UnitOfWork, proof_id: UUID, now: datetime) -> bool:
        """Use a link up; ``False`` when somebody else just did, or it ran out."""
        tag = await uow.execute(
            "UPDATE identity_mail_proof SET spent_at = $2"
            " WHERE id = $1 AND spent_at IS NULL AND expires_at > $2",
            proof_id,
            now,
        )
        return tag.endswith(" 1")

    async def void(self, uow: UnitOfWork, account_id: UUID, now: datetime) -> None:
        """Use up every link of an account: what they were sent for has been overtaken."""
        await uow.execute(
            "UPDATE identity_mail_proof SET spent_at = $2"
            " WHERE account_id = $1 AND spent_at IS NULL",
            account_id,
            now,
        )

    async def forget(self, uow: UnitOfWork, account_id: UUID) -> None:
        """Delete every link of an account, with the addresses they were sent to."""
        await uow.execute("DELETE FROM identity_mail_proof WHERE account_id = $1", account_id)

    async def prune(self, uow: UnitOfWork, before: datetime) -> None:
        """Forget links that ran out before."""
        await uow.execute("DELETE FROM identity_mail_proof WHERE expires_at < $1", before)
