"""What a shop hands to plugins, made without a shop: contexts, raw requests, a list of jobs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol
from uuid import UUID

import structlog
from msgspec import Struct

from commercekit.kernel import SystemClock, new_id
from commercekit.platform.jobs import Priority
from commercekit.platform.plugins import NoSettings, PluginContext
from commercekit.platform.providers import ProviderContext, ProviderContexts, RawRequest

if TYPE_CHECKING:
    import httpx

    from commercekit.kernel import Clock

__all__ = ["Enqueued", "JobList", "plugin_context", "provider_context", "raw_request"]


class _Coded(Protocol):
    code: ClassVar[str]


@dataclass(frozen=True, slots=True)
class Enqueued:
    """One job that a plugin asked for."""

    kind: str
    payload: Struct | None
    due_at: datetime | None
    unique_key: str | None
    priority: Priority | None = None


@dataclass(slots=True)
class JobList:
    """Takes the place of the shop's jobs: what was enqueued stands in ``entries``, nothing runs."""

    entries: list[Enqueued] = field(default_factory=list)

    async def __call__(
        self,
        uow: Any,
        kind: str,
        payload: Struct | None = None,
        *,
        due_at: datetime | None = None,
        unique_key: str | None = None,
        priority: Priority | None = None,
    ) -> UUID:
        """As ``ctx.enqueue``; ``uow`` is not looked at."""
        self.entries.append(Enqueued(kind, payload, due_at, unique_key, priority))
        return new_id()


class _Absent:
    """Stands where a test gave nothing; says so when it is used."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __getattr__(self, name: str) -> Any:
        message = f"this test gave no {self._what}: plugin_context(..., {self._what}=...)"
        raise AttributeError(message)


def provider_context(
    provider: _Coded,
    config: Struct,
    *,
    http: httpx.AsyncClient,
    clock: Clock | None = None,
    account: str = "default",
) -> ProviderContext:
    """What the core hands ``provider`` with every call for one account.

    ``config`` are the account's settings, of the provider's ``config_type``; ``http`` is where its
    requests go, such as ``httpx.AsyncClient(transport=AcmeVendor())``. Give the ``clock`` fixture to
    turn time; without it, it passes as it does.
    """
    return ProviderContexts(http=http, clock=clock or SystemClock())(provider.code, account, config)


def plugin_context(
    code: str,
    settings: Struct | None = None,
    *,
    http: httpx.AsyncClient | None = None,
    clock: Clock | None = None,
    db: Any = None,
    sealer: Any = None,
    enqueue: JobList | None = None,
    **changes: Any,
) -> PluginContext:
    """What the core hands the hooks of the plugin ``code`` at the start.

    ``settings`` are its section ``[plugins.<code>]``. What is not given and used all the same raises
    :class:`AttributeError` and says what is missing; ``changes`` sets any other field.
    """
    given: dict[str, Any] = {
        "code": code,
        "settings": NoSettings() if settings is None else settings,
        "db": db or _Absent("db"),
        "clock": clock or SystemClock(),
        "http": http or _Absent("http"),
        "sealer": sealer or _Absent("sealer"),
        "base_url": "https://shop.test",
        "enqueue": enqueue or JobList(),
        "log": structlog.get_logger("commercekit.plugin").bind(plugin=code),
    }
    return PluginContext(**(given | changes))


def raw_request(request: httpx.Request, *, at: datetime) -> RawRequest:
    """``request`` as the shop hands a notification to a provider when it arrives ``at`` that moment.

    The bytes of its body are untouched and the names of its headers in lower case.
    """
    return RawRequest(
        method=request.method,
        url=str(request.url),
        path=request.url.path,
        query=list(request.url.params.multi_items()),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.content,
        received_at=at,
    )
