"""``commercekit plugins doctor``: what another version of the core would break, and where."""

from __future__ import annotations

from pathlib import Path

import msgspec
import rich_click as click

from commercekit.cli.exits import ExitCode, Failed
from commercekit.cli.output import as_json, print_json, print_table, say
from commercekit.cli.place import Place, pass_place

__all__ = ["doctor_plugins"]


class _Seen(msgspec.Struct):
    target: str
    plugins: list[str]
    breaks: int
    findings: list[object]


@click.command("doctor")
@click.argument("codes", metavar="[PLUGIN]...", nargs=-1)
@click.option(
    "--target",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="A wheel of commercekit, or its recorded interface (api.json); else the installed version.",
)
@as_json
@pass_place
def doctor_plugins(
    place: Place, *, codes: tuple[str, ...], target: Path | None, json_output: bool
) -> int:
    """Say what of each installed plugin, and of the shop's settings, another version would break.

    \b
    commercekit plugins doctor --target commercekit-0.2.0-py3-none-any.whl
    commercekit plugins doctor payment-sandbox --json

    Neither the target nor a plugin is imported: their source is read. Told with file and line are names
    that are gone, hooks and arguments that are gone, methods that became abstract, calls that no longer
    fit, events, settings and requirements; and, without breaking anything, what is deprecated and what
    was never promised. Without a target the installed version is looked at. Exit code 1 when something
    breaks.
    """
    from commercekit.cli.upgrades.judging import judge_plugin
    from commercekit.cli.upgrades.reading import installed_api, read_target
    from commercekit.cli.upgrades.shop_settings import judge_settings
    from commercekit.platform.plugins import installed_plugins

    installed = {plugin.code: plugin for plugin in installed_plugins()}
    if unknown := [code for code in codes if code not in installed]:
        message = (
            f"{', '.join(unknown)} is not installed (installed: {', '.join(installed) or 'none'})"
        )
        raise Failed(message)
    now = installed_api()
    then = now if target is None else read_target(target)
    wanted = codes or tuple(installed)
    found = [each for code in wanted for each in judge_plugin(installed[code], now, then)]
    file = place.config
    if file is not None and not codes:
        found += judge_settings(file, now, then)
    breaks = sum(each.breaks for each in found)
    if json_output:
        print_json(_Seen(then.version, list(wanted), breaks, list(found)))
    else:
        rows = [
            ("BREAKS" if each.breaks else "note", each.plugin or "the shop", each.where, each.told)
            for each in found
        ]
        print_table(("", "plugin", "where", "found"), rows, empty="Nothing to tell.")
        say(f"{breaks} of {len(found)} findings break with commercekit {then.version}.")
    return ExitCode.FAILED if breaks else ExitCode.OK
