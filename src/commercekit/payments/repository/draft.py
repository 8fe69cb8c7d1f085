"""Everything that one booking, or many together, write: collected first, written by one statement."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from commercekit.kernel import Money, new_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commercekit.payments.models import AttentionKind, Payment
    from commercekit.platform.db import UnitOfWork

__all__ = ["Draft", "evidence_row", "posting", "write"]

_PAYMENT = (
    ("id", "uuid"),
    ("status", "text"),
    ("authorised", "bigint"),
    ("captured", "bigint"),
    ("received_amount", "bigint"),
    ("received_currency", "text"),
    ("provider_ref", "text"),
    ("failure_code", "text"),
    ("operation", "text"),
    ("operation_amount", "bigint"),
    ("operation_id", "uuid"),
    ("operation_final", "boolean"),
    ("next_query_at", "timestamptz"),
    ("expires_at", "timestamptz"),
    ("updated_at", "timestamptz"),
    ("action", "bytea"),
    ("version", "integer"),
)
_EVENT = (
    ("id", "uuid"),
    ("gateway", "text"),
    ("account", "text"),
    ("event_id", "text"),
    ("source", "text"),
    ("kind", "text"),
    ("payment_id", "uuid"),
    ("refund_id", "uuid"),
    ("state", "text"),
    ("fingerprint", "bytea"),
    ("occurred_at", "timestamptz"),
    ("received_at", "timestamptz"),
)
_STEP = (
    ("id", "uuid"),
    ("payment_id", "uuid"),
    ("refund_id", "uuid"),
    ("at", "timestamptz"),
    ("actor", "text"),
    ("event", "text"),
    ("before", "text"),
    ("after", "text"),
    ("detail", "text"),
)
_ENTRY = (
    ("id", "uuid"),
    ("transaction_id", "uuid"),
    ("payment_id", "uuid"),
    ("refund_id", "uuid"),
    ("line_id", "uuid"),
    ("reference", "text"),
    ("kind", "text"),
    ("account", "text"),
    ("debit", "bigint"),
    ("credit", "bigint"),
    ("currency", "text"),
    ("booked_at", "timestamptz"),
)
_ATTENTION = (
    ("id", "uuid"),
    ("kind", "text"),
    ("payment_id", "uuid"),
    ("refund_id", "uuid"),
    ("reference", "text"),
    ("gateway", "text"),
    ("account", "text"),
    ("detail", "text"),
    ("opened_at", "timestamptz"),
)
_SETTLED = (
    ("payment_id", "uuid"),
    ("refund_id", "uuid"),
    ("kind", "text"),
    ("resolved_at", "timestamptz"),
)

_Columns = tuple[tuple[str, str], ...]
_Rows = list[tuple[Any, ...]]


@dataclass(slots=True)
class Draft:
    """What is to be written. A payment saved twice is written as it was saved last."""

    now: datetime
    payments: dict[UUID, tuple[Any, ...]] = field(default_factory=dict)
    events: _Rows = field(default_factory=list)
    steps: _Rows = field(default_factory=list)
    entries: _Rows = field(default_factory=list)
    attention: _Rows = field(default_factory=list)
    settled: _Rows = field(default_factory=list)

    def save(
        self, payment: Payment, *, next_query_at: datetime | None, action: bytes | None = None
    ) -> None:
        """Write what may change on a locked payment, but for what its refunds change."""
        received, operation = payment.received, payment.operation
        before = self.payments.get(payment.id)
        self.payments[payment.id] = (
            payment.id,
            payment.status.value,
            payment.authorised.amount,
            payment.captured.amount,
            None if received is None else received.amount,
            None if received is None else received.currency,
            payment.provider_ref,
            payment.failure_code,
            None if operation is None else operation.value,
            payment.operation_amount,
            payment.operation_id,
            payment.operation_final,
            next_query_at,
            payment.expires_at,
            payment.updated_at,
            action if before is None or action is not None else before[15],
            payment.version,
        )

    def note(
        self,
        payment_id: UUID,
        *,
        actor: str,
        event: str,
        before: str | None,
        after: str | None,
        detail: str = "",
        refund_id: UUID | None = None,
    ) -> None:
        """Append a step to the history."""
        row = (new_id(), payment_id, refund_id, self.now, actor, event, before, after, detail)
        self.steps.append(row)

    def post(
        self,
        payment: Payment,
        *,
        kind: str,
        amount: int,
        debit: str,
        credit: str,
        refund_id: UUID | None = None,
        currency: str | None = None,
    ) -> None:
        """Book ``amount`` from account ``credit`` to account ``debit``."""
        about = (payment.id, refund_id, None, payment.reference)
        money = Money(amount, currency or payment.amount.currency)
        self.entries += posting(about, kind, money, debit=debit, credit=credit, now=self.now)

    def call_for_attention(
        self, payment: Payment, kind: AttentionKind, detail: str, refund_id: UUID | None = None
    ) -> UUID:
        """Have a person look; one call for each thing, however often it is made."""
        attention_id = new_id()
        place = (payment.reference, payment.gateway, payment.account)
        self.attention.append(
            (attention_id, kind.value, payment.id, refund_id, *place, detail, self.now)
        )
        return attention_id

    def settle_attention(
        self, payment_id: UUID, *kinds: AttentionKind, refund_id: UUID | None = None
    ) -> None:
        """It came right by itself."""
        self.settled += [(payment_id, refund_id, kind.value, self.now) for kind in kinds]


def posting(
    about: tuple[UUID, UUID | None, UUID | None, str],
    kind: str,
    money: Money,
    *,
    debit: str,
    credit: str,
    now: datetime,
) -> _Rows:
    """Both sides of a booking about a payment, its refund, a statement's line, and a reference.

    An amount below nothing is booked the other way round. What belongs to no payment stands under the
    line's own id.
    """
    if money.amount < 0:
        debit, credit, money = credit, debit, -money
    transaction, amount, currency = new_id(), money.amount, money.currency
    return [
        (new_id(), transaction, *about, kind, debit, amount, 0, currency, now),
        (new_id(), transaction, *about, kind, credit, 0, amount, currency, now),
    ]


def evidence_row(
    *,
    gateway: str,
    account: str,
    event_id: str,
    source: str,
    kind: str,
    state: str,
    payment_id: UUID | None,
    refund_id: UUID | None,
    raw: bytes,
    occurred_at: datetime | None,
    received_at: datetime,
) -> tuple[Any, ...]:
    """What somebody said, as a row of ``payments_provider_event``."""
    said = (gateway, account, event_id, source, kind, payment_id, refund_id, state)
    return (new_id(), *said, hashlib.sha256(raw).digest(), occurred_at, received_at)


_SAVE = """UPDATE payments_payment p SET {sets}
    FROM unnest({arrays}) AS u ({columns}) WHERE p.id = u.id"""
_INSERT = "INSERT INTO {table} ({columns}) SELECT * FROM unnest({arrays})"
_SETTLE = """UPDATE payments_attention a SET resolved_at = u.resolved_at
    FROM unnest({arrays}) AS u ({columns})
    WHERE a.payment_id = u.payment_id AND a.kind = u.kind AND a.resolved_at IS NULL
      AND a.refund_id IS NOT DISTINCT FROM u.refund_id"""
_PARTS: tuple[tuple[str, str, _Columns], ...] = (
    ("payments", _SAVE, _PAYMENT),
    ("events", _INSERT.replace("{table}", "payments_provider_event"), _EVENT),
    ("steps", _INSERT.replace("{table}", "payments_history"), _STEP),
    ("entries", _INSERT.replace("{table}", "payments_ledger_entry"), _ENTRY),
    ("settled", _SETTLE, _SETTLED),
    ("attention", _INSERT.replace("{table}", "payments_attention"), _ATTENTION),
)
_ONCE = " ON CONFLICT DO NOTHING"


@cache
def _statement(present: frozenset[str]) -> str:
    """One statement that writes the parts that are there; gives the calls for attention it made."""
    parts: list[str] = []
    at = 0
    for name, template, columns in _PARTS:
        if name not in present:
            continue
        arrays = ", ".join(f"${at + n}::{kind}[]" for n, (_, kind) in enumerate(columns, 1))
        at += len(columns)
        names = [column for column, _ in columns]
        sets = ", ".join(
            f"{column} = "
            + (f"coalesce(p.action, u.{column})" if column == "action" else f"u.{column}")
            for column in names[1:]
        )
        sql = template.format(arrays=arrays, columns=", ".join(names), sets=sets)
        sql += _ONCE if name in ("events", "attention") else ""
        sql += " RETURNING id" if name == "attention" else ""
        parts.append(f"w_{name} AS ({sql})")
    made = "SELECT id FROM w_attention" if "attention" in present else "SELECT 1 WHERE false"
    return f"WITH {', '.join(parts)} {made}"


async def write(uow: UnitOfWork, draft: Draft) -> set[UUID]:
    """Write all of it; gives the calls for attention that were not made before."""
    rows: dict[str, Sequence[tuple[Any, ...]]] = {
        "payments": list(draft.payments.values()),
        "events": draft.events,
        "steps": draft.steps,
        "entries": draft.entries,
        "settled": draft.settled,
        "attention": draft.attention,
    }
    present = frozenset(name for name, found in rows.items() if found)
    if not present:
        return set()
    arrays: list[Any] = []
    for name, _, _ in _PARTS:
        if name in present:
            arrays += [list(column) for column in zip(*rows[name], strict=True)]
    made = await uow.fetch(_statement(present), *arrays)
    return {row["id"] for row in made}
