"""Every hook that a plugin may fill, and where what it returns is described."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from typing import Any, NamedTuple, get_args, get_type_hints

from reference_pages.reading import ROOT, module_names, prose

HEAD = """# Hooks

Hooks are synchronous and run once, at the start. A plugin fills those it needs, names only the arguments that it
uses, and returns objects of the named class; the domain calls those objects later, directly. Whatever raises,
returns another type, is `async` or is misspelt stops the start with a sentence that names plugin, hook and cure.

```python
from collections.abc import Sequence

from commercekit import PluginContext, hookimpl
from commercekit.notifications import Notifier


@hookimpl
def register_notifiers(ctx: PluginContext) -> Sequence[Notifier]:
    return []  # [AcmeNotifier(ctx.section(Settings))]
```

`ctx` is a [`PluginContext`](contexts.md#plugincontext): keep it, use it when you are called.
"""


class Hook(NamedTuple):
    """One hook, with the module it is specified in."""

    name: str
    module: str
    function: Any
    signature: str
    doc: str

    @property
    def brings(self) -> type | None:
        """The class of what one answer holds, if it is one of the house's."""
        annotation = get_type_hints(self.function).get("return")
        for one in (annotation, *get_args(annotation)):
            kind = getattr(one, "__origin__", one)
            ours = isinstance(kind, type) and kind.__module__.startswith("commercekit")
            if ours and inspect.isabstract(kind):
                return kind
        return None


def all_hooks() -> Iterator[Hook]:
    """Room by room."""
    for name in module_names("hookspecs"):
        module = importlib.import_module(name)
        tree = ast.parse(inspect.getsource(module))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and any(
                "hookspec" in ast.unparse(decorator) for decorator in node.decorator_list
            ):
                returns = ast.unparse(node.returns) if node.returns else "None"
                signature = f"def {node.name}({ast.unparse(node.args)}) -> {returns}"
                doc = inspect.cleandoc(ast.get_docstring(node) or "")
                yield Hook(node.name, name, getattr(module, node.name), signature, doc)


def page_of(kind: type) -> str:
    """``payment-gateway.md`` of ``PaymentGateway``."""
    words = "".join(f"-{c.lower()}" if c.isupper() else c for c in kind.__name__).strip("-")
    return f"{words}.md"


def marks(thing: Any) -> str:
    """Since which version it is there, and what takes its place if it goes."""
    from commercekit.platform.plugins.markers import deprecation_of, since_of

    since, gone = since_of(thing), deprecation_of(thing)
    parts = [f"Since {since}."] if since else []
    if gone:
        parts.append(f"**Deprecated** since {gone.since}: {gone.instead}.")
    return " ".join(parts)


def filled_by() -> dict[str, list[str]]:
    """Which plugins of the repository fill a hook: the best examples there are."""
    found: dict[str, list[str]] = {}
    for path in sorted(ROOT.glob("plugins/*/src/*/plugin.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                marked = any("hookimpl" in ast.unparse(one) for one in node.decorator_list)
                if marked:
                    found.setdefault(node.name, []).append(path.relative_to(ROOT).as_posix())
    return found


def hooks() -> str:
    """The page."""
    from commercekit.cli.quality.core import HOOK_KITS, kit_rules

    examples = filled_by()
    every = list(all_hooks())
    text = HEAD + "\n| hook | brings | of |\n|---|---|---|\n"
    for hook in every:
        brings = (
            f"[`{hook.brings.__name__}`](providers/{page_of(hook.brings)})" if hook.brings else ""
        )
        domain = hook.module.rpartition(".")[0]
        text += f"| [`{hook.name}`](#{hook.name}) | {brings} | `{domain}` |\n"
    for hook in every:
        text += f"\n## {hook.name}\n\nOf `{hook.module.rpartition('.')[0]}`. {marks(hook.function)}".rstrip()
        text += f"\n\n```text\n{hook.signature}\n```\n\n{roles(hook.doc)}\n"
        links = []
        if hook.brings is not None:
            links.append(f"[What it returns](providers/{page_of(hook.brings)})")
        kit = HOOK_KITS.get(hook.name)
        if kit is not None and kit_rules(kit):
            links.append(f"[how it is tested](conformance.md#{kit.lower()})")
        links += [
            f"[as {path.split('/')[1]} fills it](../../{path})"
            for path in examples.get(hook.name, ())[:2]
        ]
        if links:
            sentence = ", ".join(links)
            text += f"\n{sentence[0]}{sentence[1].upper()}{sentence[2:]}.\n"
    return text


def roles(doc: str) -> str:
    """A docstring with its ``:param:`` and ``:returns:`` as a list."""
    lines: list[str] = []
    for line in prose(doc).splitlines():
        if line.startswith(":"):
            role, _, rest = line[1:].partition(":")
            if not lines or not lines[-1].startswith(("-", "  ")):
                lines.append("")
            kind, _, name = role.partition(" ")
            shown = {"param": f"`{name}`", "raises": f"raises `{name}`"}.get(kind, kind)
            lines.append(f"- {shown}:{rest}")
        elif line.startswith("    ") and lines and lines[-1].startswith(("-", "  ")):
            lines.append(f"  {line.strip()}")
        else:
            lines.append(line)
    return "\n".join(lines).replace("\n\n\n", "\n\n")
