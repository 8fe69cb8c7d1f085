"""The hooks of the platform itself; each domain has a room of the same name for its own.

All hooks are synchronous and are called once, at start-up. An implementation names only the arguments
it needs. What raises, returns another type, is ``async`` or is misspelt stops the start with a
sentence that names plugin, hook and cure.
"""

from collections.abc import Sequence
from typing import Any

import click
from msgspec import Struct

from commercekit.platform.bus import Subscription
from commercekit.platform.jobs import JobKind, Schedule
from commercekit.platform.plugins.context import PluginContext
from commercekit.platform.plugins.markers import hookspec, since

__all__ = [
    "register_commands",
    "register_jobs",
    "register_piccolo_apps",
    "register_routes",
    "register_schedules",
    "register_settings",
    "register_subscriptions",
]


# settings and tables: called before there is a shop, so they get no context


@since("0.1")
@hookspec
def register_settings() -> type[Struct] | None:
    """Declare the plugin's section of the settings, ``[plugins.<name>]``.

    Called first of all hooks. Each plugin declares its own; a plugin without settings fills in
    nothing, and then nothing may be set for it.

    :returns: a msgspec Struct with a default, a description and, for secrets, the type ``Secret``
        for each field.
    """
    return None


@since("0.1")
@hookspec
def register_piccolo_apps() -> Sequence[str]:
    """Bring tables: the modules with a Piccolo ``APP_CONFIG``.

    Called before the database opens. All results are collected; migrations run with the core's, in
    the order of the apps' ``migration_dependencies``.

    :returns: dotted module names, such as ``commercekit_payment_sandbox.piccolo_app``.
    """
    return ()


@since("0.1")
@hookspec
def register_commands() -> Sequence[click.Command]:
    """Add commands to ``commercekit``.

    Called when the command line starts, without a shop. All results are collected; a command with
    the name of another one stops the command line.

    :returns: click commands or groups.
    """
    return ()


# the running shop


@since("0.1")
@hookspec
def register_routes(ctx: PluginContext) -> Sequence[Any]:
    """Bring pages and endpoints, under ``/plugins/<code>/``.

    Called after the database is made and before the application is. All results are collected. The
    routes share the shop's error format and security headers, and none of its guards: put
    ``requires("…")`` on what staff alone may see.

    :param ctx: the plugin's settings, the database, the outside address, and what else it needs.
    :returns: Litestar route handlers, controllers or routers, with paths relative to the prefix.
    """
    return ()


@since("0.1")
@hookspec
def register_subscriptions(ctx: PluginContext) -> Sequence[Subscription]:
    """React to facts of the core or of other plugins.

    Called once per process. All results are collected; each consumer's name must be unique, so begin
    it with the plugin's code.

    :param ctx: the plugin's settings, the database, and what else it needs.
    :returns: subscriptions; one marked ``projector`` runs inside the writer's transaction.
    """
    return ()


@since("0.1")
@hookspec
def register_jobs(ctx: PluginContext) -> Sequence[JobKind]:
    """Bring kinds of work that is done later, once, by whichever process is free.

    Called once per process. All results are collected; two kinds with one name stop the start, so
    begin it with the plugin's code.

    :param ctx: the plugin's settings, the database, and what else it needs.
    :returns: kinds of job; ``ctx.enqueue`` puts one on the list.
    """
    return ()


@since("0.1")
@hookspec
def register_schedules(ctx: PluginContext) -> Sequence[Schedule]:
    """Have jobs done periodically, once among all processes.

    Called once per process, after ``register_jobs``. All results are collected.

    :param ctx: the plugin's settings, the database, and what else it needs.
    :returns: schedules that name jobs of the plugin or of the core.
    """
    return ()
