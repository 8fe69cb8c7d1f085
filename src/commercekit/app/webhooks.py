"""Webhooks wired into a shop: which facts can be asked for, what may be reached, who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from commercekit.errors import ConfigurationError
from commercekit.kernel import DomainEvent
from commercekit.platform.bus import published_facts
from commercekit.platform.http import Reach, outbound_client
from commercekit.platform.webhooks import (
    Deliveries,
    EndpointRepository,
    WebhookService,
    job_kinds,
    schedules,
    subscriptions,
)

if TYPE_CHECKING:
    import httpx

    from commercekit.app.shop import Shop
    from commercekit.platform.bus import Subscription
    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.jobs import JobKind, Schedule
    from commercekit.platform.webhooks import Endpoint, WebhookSettings

__all__ = ["ShopWebhooks", "public_facts", "reach_of"]

_ANSWER: Final = 64 * 1024


def public_facts() -> dict[str, type[DomainEvent]]:
    """Every fact that the core tells, by its name on the wire."""
    return {kind.type_name(): kind for kind in published_facts(["commercekit"])}


def reach_of(settings: WebhookSettings, *, production: bool, hosts: tuple[str, ...] = ()) -> Reach:
    """Where endpoints may be, of ``hosts`` alone if there are any.

    Raises :class:`~commercekit.errors.ConfigurationError` for no network.
    """
    try:
        return Reach(
            ports=settings.ports,
            networks=settings.networks,
            development=not production,
            hosts=hosts,
        )
    except ValueError as error:
        message = f"webhooks.networks: {error}; write 10.1.0.0/16"
        raise ConfigurationError(message) from None


class ShopWebhooks:
    """The service of a shop, its client, and what runs in the background."""

    def __init__(self, shop: Shop, *, http: httpx.AsyncClient | None = None) -> None:
        self._shop = shop
        self._settings = settings = shop.settings.webhooks
        self._facts = public_facts()
        reach = reach_of(
            settings,
            production=shop.settings.in_production,
            hosts=shop.settings.security.outbound_hosts,
        )
        # Its own client: endpoints have limits of their own, and vendors keep their connections.
        self._http = http or outbound_client(
            reach=reach,
            max_bytes=_ANSWER,
            total=settings.timeout.total_seconds(),
            connections=settings.per_endpoint * settings.endpoints_at_once,
        )
        endpoints = EndpointRepository(shop.sealer)
        self._deliveries = Deliveries(
            shop.db,
            shop.clock,
            shop.jobs,
            self._http,
            endpoints,
            self._facts,
            settings,
            notice=self._notice,
        )
        self.service = WebhookService(
            shop.db, shop.clock, endpoints, self._deliveries, shop.identity, reach, self._facts
        )

    def subscriptions(self) -> list[Subscription]:
        """To every fact."""
        return subscriptions(self._deliveries, self._facts.values())

    def job_kinds(self) -> list[JobKind]:
        """Sending, and putting right what nobody sends."""
        return job_kinds(self._deliveries)

    def schedules(self) -> list[Schedule]:
        """How often."""
        return schedules()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _notice(self, uow: UnitOfWork, endpoint: Endpoint) -> None:
        if self._settings.tell is None:
            return
        await self._shop.notifications.send(
            uow,
            template="webhook-disabled",
            to=self._settings.tell,
            locale=self._shop.settings.market.languages[0],
            params={
                "url": endpoint.url,
                "description": endpoint.description,
                "reason": str(endpoint.disabled_reason),
                "failures": endpoint.failures,
                "since": f"{endpoint.failing_since:%Y-%m-%d %H:%M} UTC",
            },
            dedupe_key=f"webhook-disabled/{endpoint.id}/{endpoint.version}",
        )
