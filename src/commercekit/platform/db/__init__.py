"""PostgreSQL: the pool, units of work, migrations, partitions; the embedded server is a sub-package."""

from commercekit.platform.db.database import OUTAGES, CommitOutcomeUnknown, Database, Isolation
from commercekit.platform.db.engine import ENGINE, ShopEngine, current_unit_of_work
from commercekit.platform.db.unit_of_work import FlushHook, UnitOfWork

__all__ = [
    "ENGINE",
    "OUTAGES",
    "CommitOutcomeUnknown",
    "Database",
    "FlushHook",
    "Isolation",
    "ShopEngine",
    "UnitOfWork",
    "current_unit_of_work",
]
