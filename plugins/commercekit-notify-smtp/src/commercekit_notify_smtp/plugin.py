"""What the plugin brings."""

from __future__ import annotations

from collections.abc import Sequence

from commercekit import hookimpl
from commercekit.notifications import Notifier
from commercekit_notify_smtp.notifier import SmtpNotifier


@hookimpl
def register_notifiers() -> Sequence[Notifier]:
    """One notifier, ``smtp``, for e-mails."""
    return [SmtpNotifier()]
