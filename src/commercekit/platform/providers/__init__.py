"""How the core talks to what plugins bring: the context it hands over, and the guarded call."""

from commercekit.platform.providers.breaker import Breaker, BreakerState
from commercekit.platform.providers.caller import ProviderCaller
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
from commercekit.platform.providers.health import BOUNDS, CallOutcome, LastError, VerbHealth
from commercekit.platform.providers.models import Ack, RawRequest
from commercekit.platform.providers.policies import (
    BreakerPolicy,
    FailurePolicy,
    Line,
    ProviderKind,
    Verb,
)
from commercekit.platform.providers.routes import Known
from commercekit.platform.providers.settings import (
    BreakerSettings,
    KindSettings,
    Policies,
    ProviderSettings,
    VerbSettings,
)
from commercekit.platform.providers.shapes import fits, type_words
from commercekit.platform.providers.stage import Act, Overran, Stage, throw_into

__all__ = [
    "BOUNDS",
    "Ack",
    "Act",
    "Breaker",
    "BreakerPolicy",
    "BreakerSettings",
    "BreakerState",
    "CallOutcome",
    "FailurePolicy",
    "KindSettings",
    "Known",
    "LastError",
    "Line",
    "Overran",
    "PluginFailed",
    "PluginFailedMidway",
    "Policies",
    "ProviderCaller",
    "ProviderConfigError",
    "ProviderContext",
    "ProviderContexts",
    "ProviderError",
    "ProviderKind",
    "ProviderRejected",
    "ProviderSettings",
    "ProviderUnavailable",
    "ProviderUnknown",
    "RawRequest",
    "SecretReader",
    "SignatureInvalid",
    "Stage",
    "TokenCache",
    "Verb",
    "VerbHealth",
    "VerbSettings",
    "fits",
    "throw_into",
    "type_words",
]
