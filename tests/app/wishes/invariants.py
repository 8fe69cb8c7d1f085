from __future__ import annotations

from commercekit.platform.security import sealed_with

INVARIANTS = (sealed_with("acme_wish", "text"),)
