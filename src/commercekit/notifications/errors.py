"""Why a message is not written or not carried."""

from __future__ import annotations

from commercekit.errors import ConfigurationError, NotFound

__all__ = ["NotifierUnknown", "TemplateUnknown"]


class TemplateUnknown(ConfigurationError):
    """There is no such text, in no language: a mistake in code or in a plugin."""

    slug = "template-unknown"
    title = "No such message template"
    title_zh = "没有该消息模板"


class NotifierUnknown(NotFound):
    """The shop has no such notifier or account."""

    slug = "notifier-unknown"
    title = "No such notifier"
    title_zh = "没有该通知渠道"
