"""Whatever staff do with more than a permission to read is written down before they do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from commercekit.platform.http import current_request_id
from commercekit.platform.security import AuditEntry

if TYPE_CHECKING:
    from commercekit.app.shop import Shop
    from commercekit.platform.security import Acts, Principal

__all__ = ["CALL", "acts_of"]

CALL: Final = "staff:call"
_LONGEST: Final = 300


def acts_of(shop: Shop) -> Acts:
    """What the guards tell: an entry of the audit trail in a transaction of its own, first.

    It says what was asked for. What came of it, the entry of the act says where a service writes one,
    and the history of what was acted on; both name the same request.
    """

    async def record(principal: Principal, permission: str, scope: Any, handler: Any) -> None:
        operation = handler.operation_id
        entry = AuditEntry(
            actor=principal.id,
            action=CALL,
            # The path holds ids and codes; what people type into a query stays out.
            subject=str(scope["path"])[:_LONGEST],
            request_id=current_request_id(),
            details={
                "method": str(scope["method"]),
                "operation": operation if isinstance(operation, str) else handler.handler_name,
                "permission": permission,
            },
        )
        await shop.identity.audit.note(entry)

    return record
