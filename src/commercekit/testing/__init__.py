"""For those who test plugins and shops: a pytest plugin, a clock to turn, races to stage.

Installed with ``commercekit[testing]``; pytest finds :mod:`commercekit.testing.plugin` by itself.
"""

from commercekit.testing.clock import ManualClock
from commercekit.testing.databases import TestServer, core_piccolo_apps
from commercekit.testing.faults import FaultProxy
from commercekit.testing.race import Race, Rival

__all__ = ["FaultProxy", "ManualClock", "Race", "Rival", "TestServer", "core_piccolo_apps"]
