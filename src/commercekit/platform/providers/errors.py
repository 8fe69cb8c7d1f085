"""How a provider says no, and what the core makes of one that misbehaves.

The core acts on the class: *rejected* is final, *unavailable* may be repeated, *unknown* must be asked
about before anything is repeated.
"""

from __future__ import annotations

from commercekit.errors import (
    CommerceKitError,
    ConfigurationError,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)

__all__ = [
    "PluginFailed",
    "PluginFailedMidway",
    "ProviderConfigError",
    "ProviderError",
    "ProviderRejected",
    "ProviderUnavailable",
    "ProviderUnknown",
    "SignatureInvalid",
]


class ProviderError(CommerceKitError):
    """Root of what a provider may raise; anything else it raises counts as a failure of the plugin."""


class ProviderRejected(ProviderError, Unprocessable):
    """The request itself was wrong, and repeating it is useless. A decline is a value, not this."""

    slug = "provider-rejected"
    title = "The provider refused the request"
    title_zh = "服务商拒绝了该请求"

    def __init__(self, code: str, message: str = "", user_message: str = "") -> None:
        super().__init__(user_message or self.title, code=code)
        self.code = code
        self.message = message
        """For operators: kept out of what the shopper reads."""
        self.user_message = user_message


class ProviderUnavailable(ProviderError, Unavailable):
    """It does not answer, and surely nothing was done: the same request may be sent again."""

    slug = "provider-unavailable"
    title = "The provider is not available"
    title_zh = "服务商暂时不可用"

    def __init__(self, retry_after: int = 1, detail: str = "") -> None:
        super().__init__(detail, retry_after=retry_after)


class ProviderUnknown(ProviderError, Unavailable):
    """Nobody knows whether it was done (a timeout, a 5xx): ask the provider before repeating it."""

    slug = "provider-unknown"
    title = "The outcome is not known yet"
    title_zh = "结果尚未确认"

    def __init__(self, code: str = "unknown", detail: str = "") -> None:
        super().__init__(detail)
        self.code = code


class ProviderConfigError(ProviderError, ConfigurationError):
    """The account's settings do not work at the provider, such as a revoked key: call an operator."""

    slug = "provider-misconfigured"
    title = "The provider is not set up correctly"
    title_zh = "服务商配置有误"


class SignatureInvalid(ProviderError, Unauthenticated):
    """A notification that is not the provider's; nothing in it may be believed or acted upon."""

    slug = "signature-invalid"
    title = "The signature is not valid"
    title_zh = "签名无效"

    def __init__(self, reason: str = "", *, stale: bool = False) -> None:
        super().__init__(self.title)
        self.reason = reason
        """For operators; a forger learns nothing from the answer."""
        self.stale = stale
        """Signed well, at a time outside the provider's window: answered 400 instead of 401."""


class PluginFailed(ProviderUnavailable):
    """A provider broke its contract: raised something else, returned another type, or hung.

    The sentence names the plugin's provider and verb only; what went wrong inside is in the log.
    """

    slug = "plugin-failed"
    title = "A plugin failed"
    title_zh = "插件出错"


class PluginFailedMidway(ProviderUnknown):
    """As :class:`PluginFailed`, in a call that moves something: the effect may have happened."""

    slug = "plugin-failed"
    title = "A plugin failed"
    title_zh = "插件出错"
