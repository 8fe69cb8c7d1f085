"""``commercekit plugins pin``: write down which plugins may run, file by file."""

from __future__ import annotations

import msgspec
import rich_click as click

from commercekit.cli.commands.plugins.verify import enabled_codes
from commercekit.cli.exits import ExitCode, Failed
from commercekit.cli.output import as_json, print_json, print_table, say
from commercekit.cli.place import Place, pass_place

__all__ = ["pin_plugins"]


class Pinned(msgspec.Struct):
    """What the lock says of one plugin now, and what it said before."""

    plugin: str
    distribution: str
    version: str
    before: str
    """The version it allowed until now; empty for a new one."""
    files: int
    differ: list[str]
    """Files that are new, gone or others than those allowed until now."""


@click.command("pin")
@click.argument("codes", metavar="[PLUGIN]...", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@as_json
@pass_place
def pin_plugins(place: Place, *, codes: tuple[str, ...], dry_run: bool, json_output: bool) -> int:
    """Allow the plugins as they are installed now: versions and hashes go into plugins.lock.

    Without names every enabled plugin is pinned, and what is not enabled is dropped; with names only
    those change. Nothing of a plugin is imported. Look at what differs before you commit the file:
    from then on a production shop runs exactly these files.

    \b
    commercekit plugins pin
    commercekit plugins pin payment-sandbox --dry-run

    An editable install cannot be pinned, nor one whose files are not those it was installed with.
    """
    from commercekit.app import plugin_trust
    from commercekit.platform.plugins import PluginLock, installed_plugins, pin

    trust = plugin_trust(place.config, place.environ)
    installed = {plugin.code: plugin for plugin in installed_plugins()}
    wanted = list(codes) or enabled_codes(trust, installed)
    if not wanted:
        message = "No plugin is enabled: name some in plugins.enabled, or after this command"
        raise Failed(message)
    if unknown := [code for code in wanted if code not in installed]:
        message = (
            f"{', '.join(unknown)} is not installed (installed: {', '.join(installed) or 'none'})"
        )
        raise Failed(message)
    before = PluginLock.read(trust.lock).plugins
    now = {code: pin(installed[code]) for code in wanted}
    rows = []
    for code, pinned in now.items():
        earlier = before.get(code)
        known = earlier.files if earlier else {}
        rows.append(
            Pinned(
                plugin=code,
                distribution=pinned.distribution,
                version=pinned.version,
                before=earlier.version if earlier else "",
                files=len(pinned.files),
                differ=sorted(name for name, _ in known.items() ^ pinned.files.items())
                if earlier
                else [],
            )
        )
    if not dry_run:
        PluginLock(plugins={**before, **now} if codes else now).write(trust.lock)
    if json_output:
        print_json(rows)
    else:
        print_table(
            ("plugin", "version", "files", "before"),
            [(each.plugin, each.version, each.files, _before(each)) for each in rows],
            empty="",
        )
        for each in rows:
            for name in dict.fromkeys(each.differ):
                click.echo(f"  {each.plugin}: differs: {name}")
        say(f"{'Would be written' if dry_run else 'Written'} to {trust.lock}")
    return ExitCode.OK


def _before(row: Pinned) -> str:
    if not row.before:
        return "new"
    if not row.differ:
        return "the same"
    return f"{row.before}, {len(set(row.differ))} files differ"
