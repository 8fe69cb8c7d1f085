"""What the plugins of this shop would leave behind, gathered while they are here."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from commercekit.platform.plugins import Brought, PluginTrace

if TYPE_CHECKING:
    from commercekit.app.shop import Shop

__all__ = ["traces_of"]

_NAMED_OTHERWISE = frozenset(
    {
        "register_piccolo_apps",
        "register_jobs",
        "register_schedules",
        "register_subscriptions",
        "register_permissions",
        "register_extension_fields",
    }
)


def traces_of(shop: Shop) -> list[PluginTrace]:
    """One for each enabled plugin, from what its hooks answered when the shop was made."""
    views = {view.code: view for view in shop.plugins.views()}
    return [
        PluginTrace(
            code=code,
            distribution=views[code].distribution,
            version=views[code].version,
            brought=_brought(shop.plugins.collected(code)),
        )
        for code in shop.plugins.enabled
    ]


def _brought(answers: dict[str, Sequence[Any]]) -> Brought:
    apps = [import_module(name).APP_CONFIG for name in answers.get("register_piccolo_apps", ())]
    providers = {
        hook.removeprefix("register_"): sorted(codes)
        for hook, items in answers.items()
        if hook not in _NAMED_OTHERWISE
        and (codes := {item.code for item in items if isinstance(getattr(item, "code", None), str)})
    }
    return Brought(
        apps={
            app.app_name: sorted(str(table._meta.tablename) for table in app.table_classes)  # noqa: SLF001 - Piccolo's own way to name a table
            for app in apps
        },
        jobs=sorted(each.name for each in answers.get("register_jobs", ())),
        schedules=sorted(each.name for each in answers.get("register_schedules", ())),
        consumers=sorted({each.consumer for each in answers.get("register_subscriptions", ())}),
        permissions=sorted(each.scope for each in answers.get("register_permissions", ())),
        fields=sorted(
            f"{each.entity}.{each.name}" for each in answers.get("register_extension_fields", ())
        ),
        providers=dict(sorted(providers.items())),
    )
