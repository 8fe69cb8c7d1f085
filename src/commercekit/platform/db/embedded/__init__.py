"""A real PostgreSQL of the shop's own, for development and tests, out of a wheel.

Production names a server by DSN instead. See :class:`EmbeddedServer`.
"""

from commercekit.platform.db.embedded.account import reachable_folder
from commercekit.platform.db.embedded.server import EmbeddedServer

__all__ = ["EmbeddedServer", "reachable_folder"]
