"""What the plugin brings."""

from __future__ import annotations

from collections.abc import Sequence

from commercekit import hookimpl
from commercekit.notifications import Notifier
from commercekit_notify_sms_aliyun.notifier import AliyunSmsNotifier


@hookimpl
def register_notifiers() -> Sequence[Notifier]:
    """One notifier, ``aliyun-sms``, for text messages."""
    return [AliyunSmsNotifier()]
