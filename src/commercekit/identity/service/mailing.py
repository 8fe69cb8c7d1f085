"""What identity writes to people, and the links in it.

Who asks for a mail is told nothing but that it was asked for: the address is looked up by a job, so that
one which nobody has takes as long as any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import UUID

from msgspec import Struct

from commercekit.identity.models import Account, MailPurpose, Realm
from commercekit.identity.repository import AccountRepository, MailProof, MailProofRepository
from commercekit.identity.rules import digest_of, make_secret
from commercekit.kernel import new_id
from commercekit.platform.jobs import JobContext, JobKind, Priority

if TYPE_CHECKING:
    from commercekit.identity.settings import IdentitySettings
    from commercekit.kernel import Clock
    from commercekit.notifications import Channel, Outcome
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.jobs import Jobs
    from commercekit.platform.security import Sealer

__all__ = ["Mailer", "Mailing"]

_JOB: Final = "identity.mail"
_PAGES: Final = {
    MailPurpose.RESET: "new-password",
    MailPurpose.PROVE: "prove-email",
    MailPurpose.CHANGE: "change-email",
    MailPurpose.INVITE: "join",
}


class Mailer(Protocol):
    """Whoever carries messages: the shop's notifications."""

    async def send(
        self,
        uow: UnitOfWork,
        *,
        template: str,
        to: str,
        locale: str,
        params: Mapping[str, Any],
        dedupe_key: str,
    ) -> UUID | None:
        """Queue a message; ``None`` when its key was used before."""
        ...

    def carries(self, channel: Channel) -> bool:
        """Whether messages of a channel can be carried at all."""
        ...

    async def send_now(
        self,
        *,
        template: str,
        to: str,
        locale: str,
        params: Mapping[str, Any],
        channel: Channel,
    ) -> Outcome:
        """Hand a message over at once, and keep nothing of it."""
        ...


class MailAsked(Struct, frozen=True):
    """Somebody wants a mail at an address that may be anybody's."""

    id: UUID
    what: str
    """``reset``, ``registered`` or ``change``."""
    realm: str
    sealed: bytes
    """The address."""
    account_id: UUID | None = None
    """Of the registration, or of whoever wants another address."""


class Mailing:
    """Writes the mails of accounts."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        sealer: Sealer,
        jobs: Jobs,
        mailer: Mailer,
        settings: IdentitySettings,
        base_url: str,
    ) -> None:
        self._db = db
        self._clock = clock
        self._jobs = jobs
        self._mailer = mailer
        self._settings = settings
        self._base_url = base_url
        self._accounts = AccountRepository(db, sealer)
        self._proofs = MailProofRepository(db, sealer)

    def job_kinds(self) -> list[JobKind]:
        """The job that looks addresses up."""
        return [JobKind(_JOB, self._write, payload=MailAsked, priority=Priority.HIGH)]

    async def ask(
        self,
        uow: UnitOfWork,
        what: str,
        realm: Realm,
        email: str,
        account_id: UUID | None = None,
    ) -> None:
        """Have a mail written to ``email``, or none if nobody there should get it."""
        asked_id = new_id()
        sealed = self._proofs.seal_asked(asked_id, email)
        await self._jobs.enqueue(uow, _JOB, MailAsked(asked_id, what, realm, sealed, account_id))

    async def tell(self, uow: UnitOfWork, account: Account, template: str, **params: Any) -> None:
        """Write to an account's address about what has just happened to it."""
        await self._mailer.send(
            uow,
            template=template,
            to=account.email,
            locale=account.locale,
            params={"name": account.name or "", **params},
            dedupe_key=f"identity:{template}:{new_id()}",
        )

    async def link(
        self,
        uow: UnitOfWork,
        account: Account,
        purpose: MailPurpose,
        template: str,
        *,
        to: str | None = None,
        dedupe_key: str = "",
    ) -> None:
        """Write a mail with a link that works once, for as long as the settings say."""
        now = self._clock.now()
        secret = make_secret()
        digest = digest_of(secret)
        assert digest is not None  # noqa: S101 - it was made to be one
        email = to or account.email
        lifetime = self._lifetime(purpose)
        proof = MailProof(new_id(), account.id, email, self._accounts.email_index(email))
        sent = await self._mailer.send(
            uow,
            template=template,
            to=email,
            locale=account.locale,
            params={
                "name": account.name or "",
                "link": self._address(account.realm, purpose, secret),
                "until": (now + lifetime).isoformat(),
            },
            dedupe_key=dedupe_key or f"identity:{purpose}:{proof.id}",
        )
        if sent is not None:
            await self._proofs.insert(uow, proof, purpose, digest, now, now + lifetime)

    async def _write(self, context: JobContext) -> None:
        asked: MailAsked = context.payload
        email = self._proofs.open_asked(asked.id, asked.sealed)
        realm = Realm(asked.realm)
        key = f"identity:{asked.what}:{asked.id}"
        async with self._db.unit_of_work() as uow:
            account = await self._accounts.by_email(uow, realm, email)
            if asked.what == "change":
                await self._write_change(uow, asked, email, taken=account is not None, key=key)
                return
            if account is None or account.disabled_at is not None:
                return
            if asked.what == "reset":
                await self.link(uow, account, MailPurpose.RESET, "password-reset", dedupe_key=key)
            elif asked.account_id == account.id:
                await self.link(uow, account, MailPurpose.PROVE, "account-made", dedupe_key=key)
            else:
                await self.link(uow, account, MailPurpose.RESET, "account-known", dedupe_key=key)

    async def _write_change(
        self, uow: UnitOfWork, asked: MailAsked, email: str, *, taken: bool, key: str
    ) -> None:
        """To the new address, unless it is somebody's already: then nothing happens at all."""
        if taken or asked.account_id is None:
            return
        account = await self._accounts.get(uow, asked.account_id, Realm(asked.realm))
        if account is not None:
            await self.link(
                uow, account, MailPurpose.CHANGE, "email-change", to=email, dedupe_key=key
            )

    def _lifetime(self, purpose: MailPurpose) -> timedelta:
        if purpose is MailPurpose.RESET:
            return self._settings.reset_lifetime
        if purpose is MailPurpose.INVITE:
            return self._settings.invitation_lifetime
        return self._settings.proof_lifetime

    def _address(self, realm: Realm, purpose: MailPurpose, secret: str) -> str:
        """Where the link leads. The secret stands behind ``#``: browsers send that to nobody."""
        staff = realm is Realm.STAFF
        pages = self._settings.staff_pages if staff else self._settings.customer_pages
        if not pages.startswith(("https://", "http://")):
            pages = f"{self._base_url}{pages}"
        return f"{pages}/{_PAGES[purpose]}#{secret}"
