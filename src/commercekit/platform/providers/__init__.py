"""How the core talks to what plugins bring: the context it hands over, and the guarded call."""

from commercekit.platform.providers.breaker import Breaker, BreakerState
from commercekit.platform.providers.caller import CallOutcome, ProviderCaller, Verb
from commercekit.platform.providers.context import (
    ProviderContext,
    ProviderContexts,
    SecretReader,
    TokenCache,
)
from commercekit.platform.providers.errors import (
    PluginFailed,
    PluginFailedMidway,
    ProviderConfigError,
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
    SignatureInvalid,
)
from commercekit.platform.providers.models import Ack, RawRequest
from commercekit.platform.providers.shapes import fits, type_words

__all__ = [
    "Ack",
    "Breaker",
    "BreakerState",
    "CallOutcome",
    "PluginFailed",
    "PluginFailedMidway",
    "ProviderCaller",
    "ProviderConfigError",
    "ProviderContext",
    "ProviderContexts",
    "ProviderError",
    "ProviderRejected",
    "ProviderUnavailable",
    "ProviderUnknown",
    "RawRequest",
    "SecretReader",
    "SignatureInvalid",
    "TokenCache",
    "Verb",
    "fits",
    "type_words",
]
