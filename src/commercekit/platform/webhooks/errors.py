"""What is refused about webhooks."""

from commercekit.errors import Conflict, NotFound, Unprocessable

__all__ = [
    "EndpointDisabled",
    "EndpointNotFound",
    "HeaderNotAllowed",
    "MessageNotFound",
    "UnknownEventType",
]


class EndpointNotFound(NotFound):
    """No such endpoint."""

    title = "No such webhook endpoint"
    title_zh = "没有该 Webhook 端点"


class MessageNotFound(NotFound):
    """No such message, or none of this endpoint, or it is older than what is kept."""

    title = "No such webhook message"
    title_zh = "没有该 Webhook 消息"


class EndpointDisabled(Conflict):
    """Nothing is sent to it before it is enabled again."""

    slug = "webhook-endpoint-disabled"
    title = "The webhook endpoint is disabled"
    title_zh = "Webhook 端点已停用"


class UnknownEventType(Unprocessable):
    """Nothing of that name happens in this shop; ``known`` lists what does."""

    slug = "unknown-event-type"
    title = "Unknown event type"
    title_zh = "未知的事件类型"


class HeaderNotAllowed(Unprocessable):
    """A header that is ours to set, or that cannot be one."""

    slug = "header-not-allowed"
    title = "Header not allowed"
    title_zh = "不允许的请求头"
