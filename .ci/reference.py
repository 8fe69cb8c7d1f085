"""Write the reference pages from the code: problems, facts, hooks, settings, commands, plugins.

With ``--check`` nothing is written; the exit code is 1 when a page lacks something that the code has,
or has something that the code lacks.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
BENCH_MARKS = ("<!-- bench:begin -->", "<!-- bench:end -->")
SETTINGS_MARKS = ("<!-- settings:begin -->", "<!-- settings:end -->")
MEASUREMENTS = ROOT / "docs/reference/measurements.md"
NOTE = "<!-- Written by `make reference` from the code. Change it there. -->\n"


def module_names(room: str) -> list[str]:
    """Every module of the core that is, or lies in, the room of that name."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        if room in parts:
            name = ".".join(parts)
            found.append(name.removesuffix(".__init__"))
    return found


def exists(name: str) -> bool:
    """Whether the core has a module of that name."""
    path = SOURCE / Path(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def below(root: type) -> Iterator[type]:
    """Every class below ``root``, those first that were defined first."""
    for child in root.__subclasses__():
        yield child
        yield from below(child)


def first_paragraph(thing: Any) -> str:
    """What a docstring says before its first blank line, on one line."""
    text = inspect.cleandoc(thing.__doc__ or "").split("\n\n")[0]
    return " ".join(text.split()).replace("|", "\\|")


def problems() -> str:
    """Every refusal that a client may see."""
    from commercekit import errors

    for name in module_names("errors"):
        importlib.import_module(name)
    statuses = {
        errors.Malformed: 400,
        errors.Unauthenticated: 401,
        errors.Forbidden: 403,
        errors.NotFound: 404,
        errors.Conflict: 409,
        errors.Unprocessable: 422,
        errors.Unavailable: 503,
    }
    rows: dict[str, str] = {}
    for kind in below(errors.CommerceKitError):
        status = next((code for base, code in statuses.items() if issubclass(kind, base)), None)
        inherited = "slug" not in vars(kind)
        if status is None or inherited or not kind.__module__.startswith("commercekit."):
            continue
        rows[kind.slug] = (
            f"| `{kind.slug}` | {status} | {kind.title} | {kind.title_zh} | {first_paragraph(kind)} |"
        )
    table = "\n".join(rows[slug] for slug in sorted(rows))
    return (
        "# Problems\n\n"
        "Every error is a problem document (RFC 9457). Its `type` ends in one of these slugs; slugs\n"
        "are stable, titles and details are not. The title comes in the language of the request.\n\n"
        "| slug | status | title | 中文 | means |\n|---|---|---|---|---|\n"
        f"{table}\n"
    )


def facts() -> str:
    """Every fact that somebody may subscribe to."""
    from commercekit.kernel import DomainEvent

    for name in module_names("events"):
        importlib.import_module(name)
    sections: dict[str, list[str]] = {}
    for kind in below(DomainEvent):
        if kind.__name__.startswith("_") or not kind.__module__.startswith("commercekit."):
            continue
        fields = ", ".join(f"`{name}`" for name in kind.__struct_fields__)
        domain = kind.__module__.split(".")[1]
        sections.setdefault(domain, []).append(
            f"| `{kind.__name__}` | {kind.aggregate} | {fields} | {first_paragraph(kind)} |"
        )
    text = (
        "# Facts\n\n"
        "What happened, written to the outbox with the change itself. Facts of one aggregate arrive in\n"
        "order, at least once, and act exactly once. They carry ids and figures, never personal data.\n"
    )
    for domain in sorted(sections):
        rows = "\n".join(sorted(sections[domain]))
        text += (
            f"\n## {domain}\n\n| fact | aggregate | fields | means |\n|---|---|---|---|\n{rows}\n"
        )
    return text


def hooks() -> str:
    """Every hook that a plugin may implement, read from the text of the specifications."""
    text = (
        "# Hooks\n\n"
        "Hooks are synchronous and run once, at the start. A plugin implements those it needs and\n"
        "returns objects of the named class; the domain calls those objects later, directly.\n"
    )
    for name in module_names("hookspecs"):
        path = SOURCE / Path(*name.split("."))
        path = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and any(
                "hookspec" in ast.unparse(decorator) for decorator in node.decorator_list
            ):
                arguments = ast.unparse(node.args)
                returns = ast.unparse(node.returns) if node.returns else "None"
                signature = f"def {node.name}({arguments}) -> {returns}"
                doc = inspect.cleandoc(ast.get_docstring(node) or "")
                text += f"\n## {node.name}\n\nOf `{name.rpartition('.')[0]}`.\n\n"
                text += f"```text\n{signature}\n```\n\n{_roles(doc)}\n"
    return text


def _roles(doc: str) -> str:
    lines = []
    for line in doc.replace("``", "`").splitlines():
        if line.startswith(":"):
            role, _, rest = line[1:].partition(":")
            lines.append(f"- *{role.replace('param ', '')}*:{rest}")
        else:
            lines.append(line)
    return "\n".join(lines).replace(":class:", "").replace("~", "")


def plugin_settings() -> dict[str, Any]:
    """The section of settings of each plugin here, by the folder of the plugin."""
    found = {}
    for path in sorted(ROOT.glob("plugins/*/pyproject.toml")):
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        for name, target in project.get("entry-points", {}).get("commercekit", {}).items():
            register = getattr(importlib.import_module(target), "register_settings", None)
            if register is not None:
                found[path.parent.name] = (name, register())
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
        "of this repository stand at the end.\n\n"
        f"{settings_table(describe_settings(ShopSettings, sections=sections))}"
    )


def between(page: Path, marks: tuple[str, str], content: str) -> str:
    """The page with ``content`` between two marks, which have to be there."""
    text = page.read_text(encoding="utf-8")
    begin, end = marks
    if begin not in text or end not in text:
        message = f"{page.relative_to(ROOT)} lacks the marks {begin} and {end}"
        raise SystemExit(message)
    return f"{text.partition(begin)[0]}{begin}\n{content}\n{end}{text.partition(end)[2]}"


def readmes() -> dict[str, str]:
    """The README of each plugin that has settings, with their table between its marks."""
    from commercekit.platform.settings import describe_settings, settings_table

    pages = {}
    for folder, (name, kind) in plugin_settings().items():
        page = ROOT / "plugins" / folder / "README.md"
        # Without a root there is nothing to describe but the section itself.
        empty = type("Nothing", (msgspec.Struct,), {})
        table = settings_table(describe_settings(empty, sections={name: kind}))
        pages[f"plugins/{folder}/README.md"] = between(page, SETTINGS_MARKS, table.rstrip("\n"))
    return pages


def _examples(text: str) -> str:
    # Click keeps the lines of a paragraph that begins with a backspace; ours are command lines.
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(
        "```sh\n{}\n```".format(one.removeprefix("\b").strip("\n")) if one.startswith("\b") else one
        for one in paragraphs
    )


def commands() -> str:
    """Every command, as `--help` has it."""
    text = "# Commands\n\nEach command explains itself with `--help`.\n"
    if not exists("commercekit.cli"):
        return text
    import click

    cli = importlib.import_module("commercekit.cli")
    main = next(
        (value for value in (getattr(cli, "main", None), *vars(cli).values())
         if isinstance(value, click.Group)),
        None,
    )  # fmt: skip
    if main is None:
        return text

    def walk(command: click.Command, path: str) -> Iterator[str]:
        context = click.Context(command, info_name=path)
        if path != "commercekit":
            yield f"\n## {path}\n\n{_examples(command.help or '')}\n"
            rows = []
            for option in command.params:
                names = ", ".join(f"`{name}`" for name in option.opts)
                if isinstance(option, click.Argument):
                    names = f"`{(option.name or '').upper()}`"
                meaning = getattr(option, "help", "") or ""
                rows.append(f"| {names} | {' '.join(meaning.split())} |")
            if rows:
                yield "\n| option | means |\n|---|---|\n" + "\n".join(rows) + "\n"
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                if inner is not None and not inner.hidden:
                    yield from walk(inner, f"{path} {name}")

    return text + "".join(walk(main, "commercekit"))


def plugins() -> str:
    """The distributions under plugins/, from their metadata."""
    rows = []
    for path in sorted(ROOT.glob("plugins/*/pyproject.toml")):
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        name = project["name"]
        rows.append(f"| [{name}]({path.parent.name}/README.md) | {project['description']} |")
    return (
        "# Plugins in this repository\n\n"
        "Each folder is a distribution of its own, for one vendor or one concern. A development shop\n"
        "enables whatever is installed, a production shop what its settings list. How to write one:\n"
        "[docs/plugins](../docs/plugins/README.md).\n\n"
        "| distribution | what it does |\n|---|---|\n" + "\n".join(rows) + "\n"
    )


def measurements() -> str:
    """The page as it is, with the table of the last recorded run between its marks."""
    recorded = ROOT / "tests/benchmarks/latest.json"
    if not recorded.exists():
        return MEASUREMENTS.read_text(encoding="utf-8")
    run = json.loads(recorded.read_text(encoding="utf-8"))
    rows = [
        f"| `{one['name']}` | {one['rps']:,.0f} | {one['p50_ms']:.1f} | {one['p99_ms']:.1f}"
        f" | {one['floor_rps']:,.0f} | {one['ratio']:.2f} |"
        for one in run["workloads"]
    ]
    machine = run["machine"]
    if isinstance(machine, dict):
        machine = ", ".join(f"{name} {value}" for name, value in machine.items())
    table = (
        f"{machine}\n\n"
        "| workload | a second | p50 ms | p99 ms | floor, a second | ratio |\n"
        "|---|---|---|---|---|---|\n" + "\n".join(rows)
    )
    return between(MEASUREMENTS, BENCH_MARKS, table)


WHOLE: dict[str, Callable[[], str]] = {
    "docs/reference/commands.md": commands,
    "docs/reference/facts.md": facts,
    "docs/reference/hooks.md": hooks,
    "docs/reference/problems.md": problems,
    "docs/reference/settings.md": settings,
    "plugins/README.md": plugins,
}
"""Pages that are written whole; of others only what stands between marks."""


def pages() -> Iterator[tuple[str, str]]:
    """Each page by its path, as it should be."""
    for name, write in WHOLE.items():
        heading, _, rest = write().partition("\n")
        yield name, f"{heading}\n\n{NOTE}{rest}".rstrip("\n") + "\n"
    yield str(MEASUREMENTS.relative_to(ROOT)), measurements()
    yield from readmes().items()


def entries(text: str) -> list[str]:
    """What a page lists: its headings and the first cell of each row; the wording may lag behind."""
    lines = [line for line in text.splitlines() if line.startswith(("#", "| "))]
    return [line.split(" | ")[0] for line in lines]


def main() -> int:
    """Write the pages, or say which of them are out of date."""
    stale = []
    for name, text in pages():
        path = ROOT / name
        if "--check" not in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or entries(path.read_text(encoding="utf-8")) != entries(text):
            stale.append(name)
    if stale:
        print(f"Out of date, `make reference` writes them: {', '.join(stale)}", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
