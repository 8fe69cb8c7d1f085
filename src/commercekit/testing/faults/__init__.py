"""A wire that fails on demand."""

from commercekit.testing.faults.proxy import FaultProxy, Way
from commercekit.testing.faults.thread import FaultProxyThread

__all__ = ["FaultProxy", "FaultProxyThread", "Way"]
