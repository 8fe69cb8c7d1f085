"""PostgreSQL: the pool, units of work, migrations, partitions; the embedded server is a sub-package."""

from asyncpg import DeadlockDetectedError, LockNotAvailableError, Record, UniqueViolationError

from commercekit.platform.db.coalescer import Coalescer, TooBusy
from commercekit.platform.db.condition import Complaint, Condition, TableCondition, condition_of
from commercekit.platform.db.database import OUTAGES, CommitOutcomeUnknown, Database, Isolation
from commercekit.platform.db.engine import ENGINE, ShopEngine, current_unit_of_work
from commercekit.platform.db.invariants import Breach, Invariant, audit, audit_in, invariants_of
from commercekit.platform.db.leftovers import TableSize, drop_app, table_sizes
from commercekit.platform.db.migrations import MigrationFailed, MigrationStatus, Migrator
from commercekit.platform.db.partitions import ensure_partitions, monthly_partitions
from commercekit.platform.db.schema import schema_drift
from commercekit.platform.db.steps import MigrationStep, sql_migration
from commercekit.platform.db.unit_of_work import FlushHook, UnitOfWork

LOCKED_OUT = (LockNotAvailableError, DeadlockDetectedError)
"""What a statement raises that did not get a lock within ``lock_timeout``, or never could have."""

UniqueViolation = UniqueViolationError
"""What a statement raises that would make two of what there may be one of; names its constraint."""

__all__ = [
    "ENGINE",
    "LOCKED_OUT",
    "OUTAGES",
    "Breach",
    "Coalescer",
    "CommitOutcomeUnknown",
    "Complaint",
    "Condition",
    "Database",
    "FlushHook",
    "Invariant",
    "Isolation",
    "MigrationFailed",
    "MigrationStatus",
    "MigrationStep",
    "Migrator",
    "Record",
    "ShopEngine",
    "TableCondition",
    "TableSize",
    "TooBusy",
    "UniqueViolation",
    "UnitOfWork",
    "audit",
    "audit_in",
    "condition_of",
    "current_unit_of_work",
    "drop_app",
    "ensure_partitions",
    "invariants_of",
    "monthly_partitions",
    "schema_drift",
    "sql_migration",
    "table_sizes",
]
