"""Webhooks out: facts of this shop, signed and sent to the systems of merchants and partners.

::

    issued = await webhooks.create(actor, NewEndpoint(url="https://…", events=["order.*"]))
    issued.secret                      # whsec_…, shown this once
    await webhooks.replay_period(actor, issued.endpoint.id, Replay.FAILED, since=monday)

Messages follow Standard Webhooks 1.0. They arrive at least once, under the same id however often they
are sent, and in no order that is promised.
"""

from commercekit.platform.webhooks.deliveries import Deliveries
from commercekit.platform.webhooks.errors import (
    EndpointDisabled,
    EndpointNotFound,
    HeaderNotAllowed,
    MessageNotFound,
    UnknownEventType,
)
from commercekit.platform.webhooks.events import WebhookEndpointDisabled
from commercekit.platform.webhooks.models import (
    DisabledReason,
    Endpoint,
    EndpointChange,
    EndpointState,
    EventType,
    IssuedEndpoint,
    MessageState,
    NewEndpoint,
    Replay,
    SecretView,
    WebhookAttempt,
    WebhookMessage,
)
from commercekit.platform.webhooks.repository import SEALED, EndpointRepository
from commercekit.platform.webhooks.service import WebhookService
from commercekit.platform.webhooks.settings import WebhookSettings
from commercekit.platform.webhooks.subscribers import job_kinds, schedules, subscriptions

__all__ = [
    "SEALED",
    "Deliveries",
    "DisabledReason",
    "Endpoint",
    "EndpointChange",
    "EndpointDisabled",
    "EndpointNotFound",
    "EndpointRepository",
    "EndpointState",
    "EventType",
    "HeaderNotAllowed",
    "IssuedEndpoint",
    "MessageNotFound",
    "MessageState",
    "NewEndpoint",
    "Replay",
    "SecretView",
    "UnknownEventType",
    "WebhookAttempt",
    "WebhookEndpointDisabled",
    "WebhookMessage",
    "WebhookService",
    "WebhookSettings",
    "job_kinds",
    "schedules",
    "subscriptions",
]
