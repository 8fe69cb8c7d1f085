"""What the plugin's documents say, and whether they say it in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from commercekit.cli.quality.folder import PluginFolder

__all__ = ["changelog", "development", "figures", "kept_data", "limits", "readme", "two_languages"]

_A_SENTENCE: Final = 20
_LONG_ENOUGH: Final = 40
_CHINESE_ENOUGH: Final = 100
_LIMITS: Final = r"limit|cannot|does not do"
_DATA: Final = r"what it (keeps|stores)|\bdata\b|privacy"


def readme(plugin: PluginFolder) -> Iterator[str]:
    """It says what it is, and how it is installed."""
    text = plugin.readme.english
    if not text.startswith("# "):
        yield "the README does not begin with a heading"
        return
    first = re.split(r"\n\s*\n", text.partition("\n")[2].strip())[0]
    if len(first) < _A_SENTENCE or first.startswith(("|", "#", "```", "    ")):
        yield "the README does not begin with a paragraph on what the plugin is for"
    if not _installs(plugin, text):
        yield f"the README does not say pip install {plugin.distribution}"
    if plugin.code not in text.replace(plugin.distribution, ""):
        yield f"the README does not name the plugin {plugin.code}, which settings enable"


def two_languages(plugin: PluginFolder) -> Iterator[str]:
    """Whoever reads Chinese learns as much."""
    if not plugin.readme.chinese:
        yield "the README has no part ## 中文, and there is no README.zh.md"
        return
    if plugin.readme.chinese_length < _CHINESE_ENOUGH:
        yield f"the Chinese part has {plugin.readme.chinese_length} characters: a stub"
    if plugin.readme.chinese_section("限制|局限|做不到|不支持") is None:
        yield "the Chinese part has no section on limits (限制)"
    if not _installs(plugin, plugin.readme.chinese):
        yield f"the Chinese part does not say pip install {plugin.distribution}"


def _installs(plugin: PluginFolder, text: str) -> bool:
    # From an index by its name, or from its folder.
    folder = plugin.root.name if plugin.root is not None else plugin.distribution
    wanted = f"{re.escape(plugin.distribution)}|-e \\S*{re.escape(folder)}"
    return bool(re.search(rf"pip install \"?({wanted})", text))


def limits(plugin: PluginFolder) -> Iterator[str]:
    """It says what it does not do."""
    found = plugin.readme.section(_LIMITS)
    if found is None:
        yield "the README has no section Limits"
    elif len(found.text) < _LONG_ENOUGH:
        yield f"the section {found.title} says next to nothing"


def development(plugin: PluginFolder) -> Iterator[str]:
    """It says how it is changed and tested."""
    found = plugin.readme.section(r"develop|contribut|work(ing)? on")
    if found is None or "pytest" not in found.text:
        yield "the README has no section Develop that says how to run the tests with pytest"


def changelog(plugin: PluginFolder) -> Iterator[str]:
    """What changed, version by version, the present one too."""
    path = plugin.root / "CHANGELOG.md" if plugin.root is not None else None
    if path is None or not path.is_file():
        yield "there is no CHANGELOG.md"
        return
    heading = rf"^##\s+\[?v?{re.escape(plugin.version)}\b"
    if not re.search(heading, path.read_text(encoding="utf-8"), re.MULTILINE):
        yield f"CHANGELOG.md has no section ## {plugin.version}"


def kept_data(plugin: PluginFolder) -> Iterator[str]:
    """It says what it keeps, what it sends to whom, and what is left when it goes."""
    found = plugin.readme.section(_DATA)
    if found is None:
        yield "the README has no section on what it keeps and sends"
    elif len(found.text) < _LONG_ENOUGH:
        yield f"the section {found.title} says next to nothing"
    elif "register_piccolo_apps" in plugin.hooks and "remove-data" not in found.text:
        yield f"the section {found.title} does not say what commercekit plugins remove-data deletes"


def figures(plugin: PluginFolder) -> Iterator[str]:
    """It says what a call costs, measured."""
    found = plugin.readme.section(r"figures|measured|what it costs")
    if found is None or not re.search(r"\d[\d,.]*\s*(µs|us|ms|s|MB|KB|kB|%)", found.text):
        yield "the README has no section Figures with measured times or sizes"
