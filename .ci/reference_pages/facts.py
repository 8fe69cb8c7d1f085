"""Every fact that somebody may subscribe to: what it carries, and when it is told."""

from __future__ import annotations

import importlib
import inspect
import sys
from typing import Any, get_type_hints

import msgspec

from commercekit import kernel
from reference_pages.reading import below, cell, field_docs, module_names, prose, type_text

HEAD = """# Facts

What happened, written to the outbox with the change itself. Facts of one aggregate arrive in order, at least
once, and act exactly once. They carry ids and figures, never personal data.

A plugin hears them through [`register_subscriptions`](hooks.md#register_subscriptions):

```python
from collections.abc import Sequence

from commercekit import PluginContext, hookimpl
from commercekit.orders import OrderPaid
from commercekit.platform.bus import EventMeta, Subscription
from commercekit.platform.db import UnitOfWork


@hookimpl
def register_subscriptions(ctx: PluginContext) -> Sequence[Subscription]:
    async def thank(uow: UnitOfWork, paid: OrderPaid, meta: EventMeta) -> None:
        ctx.log.info("paid", order=str(paid.order_id))

    return [Subscription(consumer=f"{ctx.code}.thanks", event=OrderPaid, react=thank)]
```

What a subscriber writes through `uow` is committed together with the note that it has heard the fact. One that
raises is tried again and then [parked](../how-to/parked-facts.md); its aggregate waits, others do not. With
`projector=True` it runs inside the transaction that tells the fact, on the database only.
"""


def _published(kind: type) -> bool:
    # A fact that others inherit from, and whose docstring says so, only carries what they share.
    return "never published" not in (kind.__doc__ or "")


def _section(kind: Any) -> str:
    doc = prose(inspect.cleandoc(kind.__doc__ or ""))
    said = field_docs(kind)
    # What the base class says stands in words of its own module.
    words = {**vars(kernel.events), **vars(sys.modules[kind.__module__])}
    hints = get_type_hints(kind, words)
    rows = []
    for field in msgspec.structs.fields(kind):
        required = "" if field.required else " (may be left out)"
        meaning = cell(said.get(field.name, ""))
        if field.name == kind.id_field:
            meaning = f"The aggregate's id. {meaning}".strip()
        rows.append(f"| `{field.name}` | `{type_text(hints[field.name])}`{required} | {meaning} |")
    table = "\n".join(["| field | type | meaning |", "|---|---|---|", *rows])
    return f"\n### {kind.__name__}\n\n{doc}\n\nAggregate `{kind.aggregate}`.\n\n{table}\n"


def facts() -> str:
    """The page."""
    from commercekit.kernel import DomainEvent

    for name in module_names("events"):
        importlib.import_module(name)
    domains: dict[str, list[type]] = {}
    for kind in below(DomainEvent):
        if kind.__name__.startswith("_") or not kind.__module__.startswith("commercekit."):
            continue
        if _published(kind):
            domains.setdefault(kind.__module__.split(".")[1], []).append(kind)
    text = HEAD
    for domain in sorted(domains):
        text += f"\n## {domain}\n\nFrom `commercekit.{domain}`.\n"
        text += "".join(
            _section(kind) for kind in sorted(domains[domain], key=lambda k: k.__name__)
        )
    return text
