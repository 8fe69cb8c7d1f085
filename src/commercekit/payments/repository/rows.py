"""Columns, and how a row becomes a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from commercekit.kernel import Money
from commercekit.payments.models import Operation, Payment, PaymentStatus, Refund, RefundStatus
from commercekit.payments.providers import CaptureMode, Flow

if TYPE_CHECKING:
    from commercekit.platform.db import Record

__all__ = ["PAYMENT", "REFUND", "Reader", "payment_from", "plain_uuid", "present", "refund_from"]

PAYMENT = """id, reference, method, gateway, account, flow, capture, status, amount, currency,
    authorised, captured, refunded, refund_pending, disputed, received_amount, received_currency, provider_ref,
    failure_code, operation, operation_amount, operation_id, operation_final,
    expires_at, created_at, updated_at, version"""
REFUND = """id, payment_id, reference, amount, currency, reason, status, provider_ref, failure_code,
    attempts, retries, pending_since, created_at, updated_at, version"""


class Reader(Protocol):
    """A database or a unit of work: anything that answers queries."""

    async def fetch(self, sql: str, *args: Any) -> list[Record]: ...
    async def fetchrow(self, sql: str, *args: Any) -> Record | None: ...
    async def fetchval(self, sql: str, *args: Any) -> Any: ...


def present(row: Record | None) -> Record:
    """A row that is locked, or an aggregate: it cannot be missing."""
    if row is None:
        message = "a locked row vanished"
        raise RuntimeError(message)
    return row


def payment_from(row: Record) -> Payment:
    """A payment from the columns of ``PAYMENT``."""
    currency = row["currency"]
    received = row["received_amount"]
    operation = row["operation"]
    return Payment(
        id=plain_uuid(row["id"]),
        reference=row["reference"],
        method=row["method"],
        gateway=row["gateway"],
        account=row["account"],
        flow=Flow(row["flow"]),
        capture=CaptureMode(row["capture"]),
        status=PaymentStatus(row["status"]),
        amount=Money(row["amount"], currency),
        authorised=Money(row["authorised"], currency),
        captured=Money(row["captured"], currency),
        refunded=Money(row["refunded"], currency),
        refund_pending=Money(row["refund_pending"], currency),
        disputed_amount=row["disputed"],
        received=None if received is None else Money(received, row["received_currency"]),
        provider_ref=row["provider_ref"],
        failure_code=row["failure_code"],
        operation=None if operation is None else Operation(operation),
        operation_amount=row["operation_amount"],
        operation_id=None if row["operation_id"] is None else plain_uuid(row["operation_id"]),
        operation_final=row["operation_final"],
        expires_at=row["expires_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        version=row["version"],
    )


def refund_from(row: Record) -> Refund:
    """A refund from the columns of ``REFUND``."""
    return Refund(
        id=plain_uuid(row["id"]),
        payment_id=plain_uuid(row["payment_id"]),
        reference=row["reference"],
        amount=Money(row["amount"], row["currency"]),
        reason=row["reason"],
        status=RefundStatus(row["status"]),
        provider_ref=row["provider_ref"],
        failure_code=row["failure_code"],
        attempts=row["attempts"],
        retries=row["retries"],
        pending_since=row["pending_since"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        version=row["version"],
    )


def plain_uuid(value: Any) -> UUID:
    """An id that msgspec encodes."""
    # asyncpg gives its own subclass, which msgspec does not encode.
    return value if type(value) is UUID else UUID(int=value.int)
