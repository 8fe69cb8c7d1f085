"""What holds of address books."""

from __future__ import annotations

from commercekit.platform.db import Invariant
from commercekit.platform.security import sealed_with

__all__ = ["INVARIANTS"]

INVARIANTS = (
    sealed_with("customers_address", "address"),
    Invariant(
        name="address-books-have-a-first-choice",
        sentence="Who has any address has exactly one that is offered first.",
        sql="""
            SELECT customer_id, count(*) FILTER (WHERE is_default) AS first_choices
            FROM customers_address GROUP BY customer_id
            HAVING count(*) FILTER (WHERE is_default) <> 1
            """,
    ),
)
