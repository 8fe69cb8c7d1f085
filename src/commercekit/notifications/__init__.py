"""Notifications: what the shop tells people, in their language, each thing once.

::

    await notifications.send(
        uow, template="order-shipped", to=email, locale="zh-CN",
        params={"number": "…", "carrier": "…", "tracking_number": "…"}, dedupe_key=str(meta.id),
    )

The message is written with the change it tells of, sealed; a job hands it to a notifier later.
"""

from commercekit.notifications.errors import NotifierUnknown, TemplateUnknown
from commercekit.notifications.hookspecs import register_notifiers
from commercekit.notifications.models import (
    TEMPLATES,
    MessageState,
    MessageView,
    NotificationSettings,
    RouteSettings,
)
from commercekit.notifications.providers import (
    NOTIFIERS,
    Channel,
    Message,
    Notifier,
    Outcome,
    Receipt,
    ReceiptNotification,
    ReceiptState,
    mail_policy,
)
from commercekit.notifications.repository import SEALED
from commercekit.notifications.service import NotificationService

__all__ = [
    "NOTIFIERS",
    "SEALED",
    "TEMPLATES",
    "Channel",
    "Message",
    "MessageState",
    "MessageView",
    "NotificationService",
    "NotificationSettings",
    "Notifier",
    "NotifierUnknown",
    "Outcome",
    "Receipt",
    "ReceiptNotification",
    "ReceiptState",
    "RouteSettings",
    "TemplateUnknown",
    "mail_policy",
    "register_notifiers",
]
