"""For those who test plugins and shops: a pytest plugin, a clock to turn, races to stage.

Installed with ``commercekit[testing]``; pytest finds :mod:`commercekit.testing.plugin` by itself.
"""

from commercekit.testing.clock import ManualClock
from commercekit.testing.contexts import (
    Enqueued,
    JobList,
    plugin_context,
    provider_context,
    raw_request,
)
from commercekit.testing.databases import TestServer, core_piccolo_apps
from commercekit.testing.faults import FaultProxy, FaultProxyThread, Way
from commercekit.testing.race import Race, Rival
from commercekit.testing.services import CacheServer, MissingPrograms, RabbitServer
from commercekit.testing.summary import VERDICT_PROPERTY

__all__ = [
    "VERDICT_PROPERTY",
    "CacheServer",
    "Enqueued",
    "FaultProxy",
    "FaultProxyThread",
    "JobList",
    "ManualClock",
    "MissingPrograms",
    "RabbitServer",
    "Race",
    "Rival",
    "TestServer",
    "Way",
    "core_piccolo_apps",
    "plugin_context",
    "provider_context",
    "raw_request",
]
