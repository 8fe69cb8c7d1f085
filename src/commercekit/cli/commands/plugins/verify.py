"""``commercekit plugins verify``: whether the plugins are those that were allowed, file by file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec
import rich_click as click

from commercekit.cli.exits import ExitCode
from commercekit.cli.output import as_json, print_json, print_table
from commercekit.cli.place import Place, pass_place

if TYPE_CHECKING:
    from commercekit.app import PluginTrust
    from commercekit.platform.plugins import Verdict

__all__ = ["enabled_codes", "verdicts", "verify_plugins"]


class Verified(msgspec.Struct):
    """What was found of one plugin."""

    plugin: str
    distribution: str
    version: str
    well: bool
    found: str
    """A word: ``as pinned``, ``different``, ``wrong version``, ``not pinned``, ``editable`` …"""
    told: str
    changed: list[str]
    missing: list[str]
    added: list[str]


@click.command("verify")
@click.option(
    "--production",
    is_flag=True,
    help="Judge a development shop's plugins as production would, for instance while an image is built.",
)
@as_json
@pass_place
def verify_plugins(place: Place, *, production: bool, json_output: bool) -> int:
    """Compare the plugins' files with plugins.lock; nothing of a plugin is imported.

    A plugin that the lock does not name is compared with what its own RECORD says. That it is not
    pinned, or editable, is not well in a production shop. Exit code 1 when something is not well.

    \b
    commercekit plugins verify
    commercekit plugins verify --production --json
    """
    from commercekit.app import plugin_trust

    trust = plugin_trust(place.config, place.environ)
    strict = production or not trust.development
    found = [_seen(verdict, strict=strict) for verdict in verdicts(trust)]
    if json_output:
        print_json(found)
    else:
        rows = [
            ("ok" if each.well else "NOT WELL", each.plugin, each.version, each.told)
            for each in found
        ]
        print_table(
            ("", "plugin", "version", "found"), rows, empty="No plugin is enabled or pinned."
        )
        for each in found:
            for what, names in (
                ("changed", each.changed),
                ("missing", each.missing),
                ("added", each.added),
            ):
                for name in names:
                    click.echo(f"  {each.plugin}: {what}: {name}")
    return ExitCode.OK if all(each.well for each in found) else ExitCode.FAILED


def verdicts(trust: PluginTrust) -> Iterator[Verdict]:
    """One for each plugin that is enabled, and for each that the lock names."""
    from commercekit.platform.plugins import (
        PluginLock,
        Trust,
        Verdict,
        examine,
        installed_plugins,
    )

    lock = PluginLock.read(trust.lock)
    installed = {plugin.code: plugin for plugin in installed_plugins()}
    for code in sorted({*enabled_codes(trust, installed), *lock.plugins}):
        pinned = lock.plugins.get(code)
        if code in installed:
            yield examine(installed[code], pinned)
            continue
        yield Verdict(
            plugin=code,
            distribution=pinned.distribution if pinned else "unknown",
            version=pinned.version if pinned else "",
            trust=Trust.NOT_INSTALLED,
            told="is not installed; install it, or take it out of plugins.enabled and pin again",
        )


def enabled_codes(trust: PluginTrust, installed: Iterable[str]) -> list[str]:
    """Those that the settings enable, installed or not; in development every installed one."""
    if trust.policy.enabled is not None:
        return list(trust.policy.enabled)
    return list(installed) if trust.development else []


def _seen(verdict: Verdict, *, strict: bool) -> Verified:
    from commercekit.platform.plugins import Trust

    lenient = {Trust.AS_PINNED, Trust.NOT_PINNED, Trust.EDITABLE}
    return Verified(
        plugin=verdict.plugin,
        distribution=verdict.distribution,
        version=verdict.version,
        well=verdict.trust in ({Trust.AS_PINNED} if strict else lenient),
        found=verdict.trust.value,
        told=verdict.told,
        changed=list(verdict.changed),
        missing=list(verdict.missing),
        added=list(verdict.added),
    )
