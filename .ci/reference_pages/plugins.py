"""The plugins of this repository: their settings, their tiers, the tables in their READMEs."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec

from reference_pages.reading import ROOT, between_text

SETTINGS_MARKS = ("<!-- settings:begin -->", "<!-- settings:end -->")
ACCOUNT = re.compile(r"<!-- struct:(?P<name>[\w.]+) (?P<path>[\w.<>-]+):begin -->")


def projects() -> dict[Path, dict[str, Any]]:
    """The metadata of each plugin here, by its folder."""
    return {
        path.parent: tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        for path in sorted(ROOT.glob("plugins/*/pyproject.toml"))
    }


def plugin_settings() -> dict[str, Any]:
    """The section of settings of each plugin here, by the folder of the plugin."""
    found = {}
    for folder, project in projects().items():
        for name, target in project.get("entry-points", {}).get("commercekit", {}).items():
            register = getattr(importlib.import_module(target), "register_settings", None)
            if register is not None:
                found[folder.name] = (name, register())
    return found


def settings() -> str:
    """Every setting of the core, with the environment variable that overrides it."""
    from commercekit.app.settings import ShopSettings
    from commercekit.platform.settings import describe_settings, settings_table

    sections = dict(plugin_settings().values())
    return (
        "# Settings\n\n"
        "They stand in `commercekit.toml`; an environment variable wins over the file. Wrong settings\n"
        "stop the start, all of them named at once. Plugins add sections under `plugins.<name>`; those\n"
        "of this repository stand at the end. `commercekit config show` lists them with their values and\n"
        "where each comes from, `commercekit config explain web.base_url` says what one means.\n\n"
        f"{settings_table(describe_settings(ShopSettings, sections=sections))}"
    )


def readmes() -> dict[str, str]:
    """The README of each plugin with the tables of its settings between their marks."""
    from commercekit.platform.settings import describe_settings, settings_table

    pages = {}
    sections = plugin_settings()
    for folder in projects():
        page = folder / "README.md"
        name = f"plugins/{folder.name}/README.md"
        text = page.read_text(encoding="utf-8")
        if folder.name in sections:
            code, kind = sections[folder.name]
            # Without a root there is nothing to describe but the section itself.
            empty = type("Nothing", (msgspec.Struct,), {})
            table = settings_table(describe_settings(empty, sections={code: kind}))
            text = between_text(text, name, SETTINGS_MARKS, table.rstrip("\n"))
        for mark in list(ACCOUNT.finditer(text)):
            kind = _struct(mark["name"])
            marks = (mark[0], mark[0].replace(":begin", ":end"))
            text = between_text(text, name, marks, _account_table(kind, mark["path"]))
        pages[name] = text
    return pages


def _struct(name: str) -> Any:
    module, _, kind = name.rpartition(".")
    return getattr(importlib.import_module(module), kind)


def _account_table(kind: Any, path: str) -> str:
    """As the settings' table, without variables: accounts stand in the file."""
    from commercekit.platform.settings import describe_settings

    rows = ["| setting | type | default | meaning |", "|---|---|---|---|"]
    prefix = "" if path == "-" else f"{path}."
    moneys = _moneys(kind)
    for one in describe_settings(kind):
        name, _, part = one.path.partition(".")
        default = f"`{one.default}`" if one.default else "required"
        cells = [f"`{prefix}{one.path}`", one.type, default, one.doc]
        if name in moneys and part == "currency":
            continue
        if name in moneys:
            # An amount and its currency are one thing to whoever fills it in.
            cells = [f"`{prefix}{name}`", "money", *moneys[name]]
        rows.append("| " + " | ".join(text.replace("|", "\\|") for text in cells) + " |")
    return "\n".join(rows)


def _moneys(kind: Any) -> dict[str, tuple[str, str]]:
    """The fields that hold money, each with its default and its sentence."""
    from commercekit.kernel import Money

    hints = get_type_hints(kind, include_extras=True)
    found = {}
    for field in msgspec.structs.fields(kind):
        inner = {Money, Money | None} & {hints[field.name], *get_args(hints[field.name])}
        if inner:
            metas = getattr(hints[field.name], "__metadata__", ())
            said = next((one.description for one in metas if one.description), "")
            found[field.name] = ("required" if field.required else "`nothing`", said)
    return found


def false_claims() -> list[str]:
    """What a ``quality.toml`` says and what does not hold: it fails the build."""
    from commercekit.cli.quality import judge

    return [f"{folder.name}: {lie}" for folder in projects() for lie in judge(folder).false_claims]


def plugins() -> str:
    """The distributions under plugins/, with what they bring and their tiers."""
    from commercekit.cli.quality import Tier, judge

    rows = []
    for folder, project in projects().items():
        report = judge(folder)
        # Reading alone may find more than was shown by running, and a promise is what is run.
        tier = min(report.rank, Tier[report.promised.upper()]).word
        name = project["name"]
        rows.append(f"| [{name}]({folder.name}/README.md) | {tier} | {project['description']} |")
    return (
        "# Plugins in this repository\n\n"
        "Each folder is a distribution of its own, for one vendor or one concern. A development shop\n"
        "enables whatever is installed, a production shop what its settings list. How to write one:\n"
        "[docs/plugins](../docs/plugins/README.md). The tier is computed on the\n"
        "[quality scale](../docs/plugins/quality/README.md): from the plugin's files at every build, and with its\n"
        "tests, their coverage, its types and its wheel by `make test-full`.\n\n"
        "| distribution | tier | what it does |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    )
