"""The servers a grown shop leans on, started for a test: RabbitMQ, and Valkey or Redis.

Each runs on free ports of its own below a temporary folder, as an unprivileged user, and dies with the
process that started it, however that ends. The pytest plugin offers them as the fixtures
``rabbit_server``, ``rabbit_url``, ``cache_server`` and ``cache_url``; nothing starts before it is asked for.
"""

from commercekit.testing.services.cache import CacheServer
from commercekit.testing.services.process import GuardedProcess, free_ports
from commercekit.testing.services.programs import MissingPrograms, installed_versions
from commercekit.testing.services.rabbit import RabbitServer

__all__ = [
    "CacheServer",
    "GuardedProcess",
    "MissingPrograms",
    "RabbitServer",
    "free_ports",
    "installed_versions",
]
