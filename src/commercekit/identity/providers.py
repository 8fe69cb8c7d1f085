"""What other parts of the shop, plugins among them, do for the people it knows."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from commercekit.identity.models import Account
from commercekit.platform.db import UnitOfWork
from commercekit.platform.plugins import since

__all__ = ["PersonalRecords"]


@since("0.1")
class PersonalRecords(ABC):
    """A part of the shop that keeps something about people: it tells them, and forgets them."""

    name: ClassVar[str]
    """As the exported file calls it, such as ``orders``; a plugin's is its code, or begins with it."""

    @abstractmethod
    async def export(self, account: Account) -> Any:
        """What it keeps about the owner of ``account``, opened: it is theirs to read.

        What belongs to an e-mail address rather than to an account is told only when
        ``account.email_proven_at`` says that it is theirs: anybody can register with anybody's address.

        :param account: whose file is made.
        :returns: what msgspec can encode; empty where there is nothing.
        """

    @abstractmethod
    async def erase(self, uow: UnitOfWork, account: Account) -> None:
        """Forget what no law asks it to keep, in the transaction that deletes the account.

        It works on the database only, and all of it happens or nothing: raising leaves the account as it
        was. What lies elsewhere is forgotten by a job that is enqueued with ``uow``.

        :param uow: the transaction; never committed here.
        :param account: who wants to be forgotten, as they were.
        """
