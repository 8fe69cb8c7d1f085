"""What plugins keep about people: part of every export, and of every deletion."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog

from commercekit.app.people import CartsOfPerson, OrdersOfPerson
from commercekit.errors import CommerceKitError, Unavailable
from commercekit.identity import PersonalRecords
from commercekit.identity.hookspecs import register_personal_records
from commercekit.platform.plugins import PluginError

if TYPE_CHECKING:
    from commercekit.app.shop import Shop
    from commercekit.identity import Account
    from commercekit.platform.db import UnitOfWork

__all__ = ["keep_people_in_mind"]

_LONGEST: Final = timedelta(seconds=15)
_RETRY_AFTER: Final = 60
_OWN: Final = frozenset({"account", "sessions", "customers", "orders", "carts"})
_log = structlog.get_logger("commercekit.plugins")


def keep_people_in_mind(shop: Shop) -> None:
    """Have every part of the shop asked, the enabled plugins' too, each behind a name of its own.

    A name that is not the plugin's, or two that are the same, stop the start. In safe mode nobody is
    told half of what is known of them, and nobody is forgotten by half.
    """
    found: dict[str, PersonalRecords] = {}
    for plugin, records in shop.plugins.collect(register_personal_records, shop.context):
        name: object = getattr(records, "name", None)
        if (
            not isinstance(name, str)
            or not (name == plugin or name.startswith(f"{plugin}-"))
            or name in _OWN
            or name in found
        ):
            message = (
                f"The plugin {plugin!r} calls personal records {name!r}; call each something of its"
                f' own, name = "{plugin}" or name = "{plugin}-…"'
            )
            raise PluginError(message)
        found[name] = _FromPlugin(name, plugin, records)
    parts = [_Incomplete()] if shop.safe_mode.active else found.values()
    shop.identity.people.keep_in_mind(
        shop.customers, OrdersOfPerson(shop), CartsOfPerson(shop), *parts
    )


class _FromPlugin(PersonalRecords):
    """Says in the log whose code failed; an export that lacks a part is not handed out."""

    def __init__(self, name: str, plugin: str, records: PersonalRecords) -> None:
        self.name = name  # type: ignore[misc]  # a ClassVar of those who have one name
        self._plugin = plugin
        self._records = records

    async def export(self, account: Account) -> Any:
        try:
            async with asyncio.timeout(_LONGEST.total_seconds()):
                told = await self._records.export(account)
            return msgspec.to_builtins(told)
        except CommerceKitError:
            raise
        except Exception as error:
            _log.exception("personal-export-failed", plugin=self._plugin, records=self.name)
            message = "A part of the shop cannot tell what it keeps at the moment; ask again later."
            raise Unavailable(message, retry_after=_RETRY_AFTER) from error

    async def erase(self, uow: UnitOfWork, account: Account) -> None:
        try:
            await self._records.erase(uow, account)
        except CommerceKitError:
            raise
        except Exception:
            # The transaction ends with it; the cause decides whether it is worth another try.
            _log.exception("personal-erase-failed", plugin=self._plugin, records=self.name)
            raise


class _Incomplete(PersonalRecords):
    """In safe mode: what the absent plugins keep is neither told nor forgotten, so nothing is."""

    name = "absent"

    async def export(self, account: Account) -> Any:
        self._refuse()

    async def erase(self, uow: UnitOfWork, account: Account) -> None:
        self._refuse()

    @staticmethod
    def _refuse() -> None:
        message = "This shop runs without some of its plugins for now; ask again later."
        raise Unavailable(message, retry_after=_RETRY_AFTER)
