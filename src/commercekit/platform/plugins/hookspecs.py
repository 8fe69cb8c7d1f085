"""The hooks of the platform itself; each domain has a room of the same name for its own.

All hooks are synchronous and are called once, at start-up. An implementation names only the arguments
it needs. What raises, returns another type, is ``async`` or is misspelt stops the start with a
sentence that names plugin, hook and cure.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from commercekit.platform.bus import Subscription
from commercekit.platform.extensions import ExtensionField
from commercekit.platform.jobs import JobKind, Schedule
from commercekit.platform.limits import RouteLimit
from commercekit.platform.plugins.console import ConsolePage
from commercekit.platform.plugins.context import PluginContext
from commercekit.platform.plugins.markers import hookspec, since
from commercekit.platform.security import KeyVault, Permission, Role, SealedTable

__all__ = [
    "register_commands",
    "register_console_pages",
    "register_extension_fields",
    "register_jobs",
    "register_key_vaults",
    "register_limits",
    "register_permissions",
    "register_piccolo_apps",
    "register_roles",
    "register_routes",
    "register_schedules",
    "register_sealed_tables",
    "register_settings",
    "register_subscriptions",
    "register_translations",
]

# Marked here: what marks interfaces stands above the package in which this one lives.
since("0.1")(KeyVault)


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
def register_sealed_tables() -> Sequence[SealedTable]:
    """Name the columns that the plugin seals, so that their keys can be replaced like the shop's own.

    Called once per process, before the database opens. All results are collected. The tables are those
    of the plugin's Piccolo apps and have a primary key, the columns are ``bytea``; anything else stops the
    start. ``commercekit keys rotate --data-keys`` then gives them new keys, and ``keys reencrypt`` seals
    their rows anew. A table that is not named keeps its first key.

    :returns: tables with their sealed columns, such as ``SealedTable("acme_wish", ("text",))``.
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


@since("0.1")
@hookspec
def register_extension_fields() -> Sequence[ExtensionField]:
    """Add typed fields to products, variants, carts and orders.

    Called before the database opens. All results are collected. Values stand in the API under the
    plugin's code (``"extensions": {"acme": {"gift_note": "…"}}``), are checked against the type when
    they are written, and are kept in the row of the thing itself; what is ``indexed`` gets its index
    from ``commercekit db upgrade``. Names are stored, so a field is renamed by adding another.

    :returns: fields; what a cart carries goes over to the order.
    """
    return ()


@since("0.1")
@hookspec
def register_permissions() -> Sequence[Permission]:
    """Bring permissions: what a member of staff may be allowed to do with this plugin.

    Called before the routes are made. All results are collected. A permission is ``resource:action``,
    its resource the plugin's code or one that begins with the code and a hyphen; tokens hold it and
    ``requires("acme:approve")`` asks for it. What a route or a page asks for must be brought by
    somebody, else the start stops.

    :returns: permissions with labels in English and Chinese.
    """
    return ()


@since("0.1")
@hookspec
def register_console_pages() -> Sequence[ConsolePage]:
    """Add pages to the console that staff use.

    Called once per process. All results are collected, checked, and told at
    ``GET /admin/console/pages`` to whoever holds a page's permission. This library draws none of them:
    an asset, a frame or a form made from a schema does.

    :returns: pages, with paths below ``/plugins/<code>/``.
    """
    return ()


@since("0.1")
@hookspec
def register_translations() -> Sequence[Path]:
    """Bring texts: folders with catalogues of gettext, ``<language>/messages.po``.

    Called once per process. All results are collected and read at once; ``ctx.translations.text(…)``
    finds a text for a reader. A text that English or Chinese lacks is told in the log at the start.

    :returns: folders, such as ``Path(__file__).parent / "locales"``.
    """
    return ()


# the running shop


@since("0.1")
@hookspec
def register_roles() -> Sequence[Role]:
    """Bring roles: sets of permissions that members of staff are given together.

    Called once, after all permissions are known. All results are collected. A role's code begins with
    the plugin's and a hyphen; it may hold permissions of the core, which owners see before they give it.
    A permission that nobody brings stops the start.

    :returns: roles with labels in English and Chinese.
    """
    return ()


@since("0.1")
@hookspec
def register_routes(ctx: PluginContext) -> Sequence[Any]:
    """Bring pages and endpoints, under ``/plugins/<code>/``.

    Called after the database is made and before the application is. All results are collected. The
    routes share the shop's error format and security headers, and none of its guards: put
    ``guards=[requires("…")]`` on what staff alone may see, and ``opt=public("why")`` on what is for
    everybody. A route with neither stops the start.

    :param ctx: the plugin's settings, the database, the outside address, and what else it needs.
    :returns: Litestar route handlers, controllers or routers, with paths relative to the prefix.
    """
    return ()


@since("0.1")
@hookspec
def register_limits() -> Sequence[RouteLimit]:
    """Limit how often somebody may ask for what the plugin answers.

    Called once per process, before the application is made. All results are collected. Without a limit
    of their own a plugin's routes share the shop's limit ``plugins``, 600 a minute for each address. The
    shop can set other figures for it: ``[limits.rules.<code>-<name>]``.

    :returns: limits of routes below ``/plugins/<code>``; of two that fit, the longer path counts.
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


@since("0.1")
@hookspec
def register_key_vaults(ctx: PluginContext) -> Sequence[KeyVault]:
    """Offer vaults, such as a key management service, of which ``[security] vault`` names the one in use.

    Called once, at start-up, before the database opens: ``ctx.sealer`` opens nothing yet, because it is
    this vault that unwraps its keys. All results are collected; two vaults with one ``code`` stop the
    start with ``DuplicateProvider``.

    :param ctx: the plugin's settings, the client for outside addresses, and what else it needs.
    :returns: ready vaults; an empty sequence if the plugin is switched off.
    """
    return ()
