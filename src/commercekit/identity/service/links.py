"""What a link from a mail does: a new password, a proven address, another address, joining the staff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commercekit.identity.errors import LinkSpent
from commercekit.identity.models import Account, Client, LoginAttempt, MailPurpose, Realm
from commercekit.identity.repository import AccountRepository, MailProof, MailProofRepository
from commercekit.identity.rules import check_email, digest_of
from commercekit.platform.security import AuditEntry, normalise

if TYPE_CHECKING:
    from uuid import UUID

    from commercekit.identity.service.logins import Logins
    from commercekit.identity.service.mailing import Mailing
    from commercekit.identity.service.passwords import Passwords
    from commercekit.identity.service.sessions import Sessions
    from commercekit.identity.service.watching import LoginWatch
    from commercekit.kernel import Clock
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.security import AuditPort, Principal, Sealer

__all__ = ["Links"]


class Links:
    """Asking for links, and spending them. Each works once."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        sealer: Sealer,
        passwords: Passwords,
        sessions: Sessions,
        logins: Logins,
        mailing: Mailing,
        audit: AuditPort,
        watch: LoginWatch,
    ) -> None:
        self._db = db
        self._clock = clock
        self._accounts = AccountRepository(db, sealer)
        self._proofs = MailProofRepository(db, sealer)
        self._passwords = passwords
        self._sessions = sessions
        self._logins = logins
        self._mailing = mailing
        self._audit = audit
        self._watch = watch

    async def ask_reset(
        self, realm: Realm, email: str, client: Client, *, captcha: str | None = None
    ) -> None:
        """Have a link to a new password sent. An address that nobody has reads and takes the same."""
        email = normalise(email)
        attempt = self._logins.attempt("reset", realm, email, client, captcha)
        await self._watch.before(attempt)
        async with self._db.unit_of_work() as uow:
            await self._mailing.ask(uow, "reset", realm, email)
        await self._watch.succeeded(attempt)

    async def choose_password(
        self,
        realm: Realm,
        secret: str,
        password: str,
        *,
        purpose: MailPurpose = MailPurpose.RESET,
        address: str = "",
    ) -> None:
        """Spend a link on a new password, which ends every session of the account.

        The address is proven by it too. Raises :class:`~commercekit.identity.errors.LinkSpent` for a
        link that does not work (any more), and
        :class:`~commercekit.identity.errors.WeakPassword`, which spends nothing.
        """
        attempt, proof = await self._find(realm, secret, purpose, address)
        await self._passwords.check(password, about=(proof.email,))
        sealed = await self._passwords.hash(proof.account_id, password)
        now = self._clock.now()
        async with self._db.unit_of_work() as uow:
            account = await self._spend(uow, proof, realm)
            await self._accounts.set_password(uow, account.id, sealed, now)
            await self._accounts.prove_email(uow, account.id, now)
            await self._proofs.void(uow, account.id, now)
            await self._sessions.revoke_all(uow, account.id, because="password-changed")
            await self._mailing.tell(uow, account, "password-changed")
            await self._note(uow, account.actor, f"users:{purpose}", account)
        await self._watch.succeeded(attempt)

    async def prove_email(self, secret: str, *, address: str = "") -> None:
        """Spend a link on the proof that somebody reads what is sent to a customer's address."""
        attempt, proof = await self._find(Realm.CUSTOMER, secret, MailPurpose.PROVE, address)
        async with self._db.unit_of_work() as uow:
            account = await self._spend(uow, proof, Realm.CUSTOMER)
            await self._accounts.prove_email(uow, account.id, self._clock.now())
        await self._watch.succeeded(attempt)

    async def change_email(self, secret: str, *, address: str = "") -> None:
        """Spend a link on another address for a customer; the old one is told, its links are void.

        Raises :class:`~commercekit.identity.errors.LinkSpent` also when somebody else has the address by
        now.
        """
        attempt, proof = await self._find(Realm.CUSTOMER, secret, MailPurpose.CHANGE, address)
        now = self._clock.now()
        async with self._db.unit_of_work() as uow:
            account = await self._accounts.lock(uow, proof.account_id, Realm.CUSTOMER)
            if account is None or not await self._proofs.spend(uow, proof.id, now):
                raise _spent()
            await uow.lock(f"identity-email:{proof.email_index.hex()}")
            if not await self._accounts.set_email(uow, account, proof.email, now):
                raise _spent()
            await self._proofs.void(uow, account.id, now)
            await self._mailing.tell(uow, account, "email-changed")
            await self._note(uow, account.actor, "customers:change-email", account)
        await self._watch.succeeded(attempt)

    async def ask_proof(self, account_id: UUID) -> None:
        """Send a customer the link again that proves the address; nothing for one that is proven."""
        async with self._db.unit_of_work() as uow:
            account = await self._accounts.lock(uow, account_id, Realm.CUSTOMER)
            if account is not None and account.email_proven_at is None:
                await self._mailing.link(uow, account, MailPurpose.PROVE, "account-prove")

    async def ask_change(
        self, principal: Principal, account_id: UUID, email: str, password: str, *, address: str
    ) -> None:
        """Have a link sent to another address of a customer, who proves the password once more.

        The answer is the same for an address that somebody else has; nothing is sent there then.
        """
        email = check_email(email)
        await self._logins.prove_again(principal, Realm.CUSTOMER, password, address=address)
        async with self._db.unit_of_work() as uow:
            await self._mailing.ask(uow, "change", Realm.CUSTOMER, email, account_id)

    async def invite(self, uow: UnitOfWork, account: Account) -> None:
        """Send a new member of staff the link by which they choose a password."""
        await self._mailing.link(uow, account, MailPurpose.INVITE, "staff-invited")

    async def prune(self) -> None:
        """Forget links that ran out."""
        async with self._db.unit_of_work() as uow:
            await self._proofs.prune(uow, self._clock.now())

    async def _find(
        self, realm: Realm, secret: str, purpose: MailPurpose, address: str
    ) -> tuple[LoginAttempt, MailProof]:
        digest = digest_of(secret)
        attempt = LoginAttempt(
            action="spend-link", realm=realm, subject=(digest or b"")[:16], address=address
        )
        await self._watch.before(attempt)
        found = None
        if digest is not None:
            found = await self._proofs.find(digest, purpose, realm, self._clock.now())
        if found is None:
            await self._watch.failed(attempt)
            raise _spent()
        return attempt, found

    async def _spend(self, uow: UnitOfWork, proof: MailProof, realm: Realm) -> Account:
        """The account, locked; a link to an address that it has no longer is worth nothing."""
        account = await self._accounts.lock(uow, proof.account_id, realm)
        if (
            account is None
            or account.disabled_at is not None
            or self._accounts.email_index(account.email) != proof.email_index
            or not await self._proofs.spend(uow, proof.id, self._clock.now())
        ):
            raise _spent()
        return account

    async def _note(self, uow: UnitOfWork, actor: str, action: str, account: Account) -> None:
        entry = AuditEntry(actor=actor, action=action, subject=f"account/{account.id}")
        await self._audit.record(uow, entry)


def _spent() -> LinkSpent:
    message = "This link was used, is too old, or was overtaken; ask for another."
    return LinkSpent(message)
