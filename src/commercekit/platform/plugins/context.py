"""What the core hands to a plugin that needs more than its own code."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from msgspec import Struct

from commercekit.platform.extensions import PluginExtensions
from commercekit.platform.texts import PluginTexts

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from datetime import datetime
    from uuid import UUID

    import httpx

    from commercekit.kernel import Clock
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.jobs import Priority
    from commercekit.platform.security import Sealer

__all__ = ["Enqueue", "PluginContext"]

S = TypeVar("S", bound=Struct)


class Enqueue(Protocol):
    """``Jobs.enqueue``: put a job on the shop's list, in the caller's transaction."""

    def __call__(
        self,
        uow: UnitOfWork,
        kind: str,
        payload: Struct | None = None,
        *,
        due_at: datetime | None = None,
        unique_key: str | None = None,
        priority: Priority | None = None,
    ) -> Awaitable[UUID]:
        """Have work of ``kind`` done after ``uow`` commits; see :class:`commercekit.platform.jobs.Jobs`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginContext:
    """The shop as one plugin sees it: made once at start-up, kept by whatever the plugin builds.

    Hooks run before the database opens and before the shop serves: keep the context, use it later.
    """

    code: str
    """The plugin's own name, such as ``payment-sandbox``."""
    settings: Struct
    """Its section ``[plugins.<code>]``, of the type it declared; see :meth:`section`."""
    db: Database
    clock: Clock
    http: httpx.AsyncClient
    """For calls to the outside: time-outs, and no way to addresses inside the house."""
    sealer: Sealer
    """Seals personal fields of the plugin's own tables."""
    base_url: str
    """Where the shop is reached from outside, without a slash at the end."""
    enqueue: Enqueue
    log: Any
    """A structlog logger that names the plugin."""
    data: Path = Path(".data")
    """The shop's data folder, for files of a development shop; databases belong in the database."""
    production: bool = False
    translations: PluginTexts = field(default_factory=PluginTexts)
    """The texts of its catalogues: ``ctx.translations.text("hello", languages)``."""
    extensions: PluginExtensions = field(default_factory=PluginExtensions)
    """Its own fields on products, variants, carts and orders."""

    def section(self, kind: type[S]) -> S:
        """The plugin's settings, typed: ``ctx.section(Settings).secret``."""
        if not isinstance(self.settings, kind):
            message = f"{self.code} declared {type(self.settings).__name__}, not {kind.__name__}"
            raise TypeError(message)
        return self.settings

    def url(self, path: str = "") -> str:
        """The outside address of one of the plugin's own routes: ``ctx.url("/pay/1")``."""
        return f"{self.base_url}/plugins/{self.code}{path}"

    def webhook_url(self, kind: str, provider: str, account: str = "default") -> str:
        """Where a vendor's notifications go: ``ctx.webhook_url("payments", "sandbox")``."""
        return f"{self.base_url}/webhooks/{kind}/{provider}/{account}"
