"""What holds of messages."""

from __future__ import annotations

from commercekit.platform.security import sealed_with

__all__ = ["INVARIANTS"]

INVARIANTS = (sealed_with("notifications_message", "recipient", "params"),)
