"""Every interface that a plugin implements: its methods, what they take and give, and how it is tested."""

from __future__ import annotations

import enum
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any, get_args, get_type_hints

import msgspec

from reference_pages.hooks import Hook, all_hooks, filled_by, marks, page_of, roles
from reference_pages.reading import ROOT, cell, field_docs, first_paragraph, prose, type_text

CONTEXTS = "contexts.md"


def provider_pages() -> dict[str, str]:
    """A page for each interface, and one that lists them."""
    hooks = {hook.brings: hook for hook in all_hooks() if hook.brings is not None}
    pages = {}
    rows = []
    for kind, hook in sorted(hooks.items(), key=lambda pair: pair[0].__name__):
        pages[f"docs/reference/providers/{page_of(kind)}"] = _page(kind, hook)
        door = _door(kind, hook)
        rows.append(
            f"| [`{kind.__name__}`]({page_of(kind)}) | `{door}` | "
            f"[`{hook.name}`](../hooks.md#{hook.name}) | {first_paragraph(kind)} |"
        )
    table = "\n".join(
        ["| interface | import from | registered with | what it is |", "|---|---|---|---|", *rows]
    )
    pages["docs/reference/providers/README.md"] = (
        "# Providers\n\n"
        "What a hook returns is an object of one of these classes. The core calls it directly, outside of\n"
        "transactions, with a deadline, a breaker and a failure policy; what it may raise is the same for all:\n"
        "[errors of providers](../contexts.md#errors). Each kind has a [conformance kit](../conformance.md).\n\n"
        f"{table}\n"
    )
    return pages


def _door(kind: type, hook: Hook) -> str:
    """Where authors import it from: beside its hook, or where it lives."""
    beside = hook.module.removesuffix(".hookspecs")
    if hasattr(sys.modules[beside], kind.__name__):
        return beside
    return kind.__module__.rpartition(".")[0]


def _page(kind: type, hook: Hook) -> str:
    from commercekit.cli.quality.core import HOOK_KITS, kit_rules

    door = _door(kind, hook)
    text = f"# {kind.__name__}\n\n{prose(inspect.cleandoc(kind.__doc__ or ''))}\n\n"
    text += f"```python\nfrom {door} import {kind.__name__}\n```\n\n"
    parts = [f"Registered with [`{hook.name}`](../hooks.md#{hook.name})."]
    kit = HOOK_KITS.get(hook.name)
    if kit is not None and kit_rules(kit):
        parts.append(f"Tested with [`{kit}`](../conformance.md#{kit.lower()}).")
    examples = [path.split("/")[1] for path in filled_by().get(hook.name, ())]
    if examples:
        links = ", ".join(f"[{name}](../../../plugins/{name}/README.md)" for name in examples)
        parts.append(f"Implemented by {links}.")
    text += " ".join([*parts, marks(kind)]).strip() + "\n"
    text += _attributes(kind)
    used: list[Any] = []
    text += "\n## Methods\n"
    for name, method in _methods(kind):
        text += _method(name, method, used)
    text += _types(kind, used)
    return text


def _attributes(kind: type) -> str:
    said = field_docs(kind)
    rows = []
    for owner in reversed(kind.__mro__):
        for name in inspect.get_annotations(owner):
            if name.startswith("_") or not owner.__module__.startswith("commercekit"):
                continue
            hint = inspect.get_annotations(owner)[name]
            text = type_text(hint).removeprefix("ClassVar[").removesuffix("]")
            default = f"`{getattr(kind, name)!r}`" if hasattr(kind, name) else "required"
            rows.append(f"| `{name}` | `{text}` | {cell(default)} | {cell(said.get(name, ''))} |")
    if not rows:
        return ""
    return "\n## Attributes\n\n| attribute | type | default | meaning |\n|---|---|---|---|\n" + (
        "\n".join(rows) + "\n"
    )


def _methods(kind: type) -> Iterator[tuple[str, Any]]:
    seen = set()
    for owner in kind.__mro__:
        for name, member in vars(owner).items():
            if (
                name.startswith("_")
                or name in seen
                or not owner.__module__.startswith("commercekit")
            ):
                continue
            if inspect.isfunction(member):
                seen.add(name)
                yield name, member


def _method(name: str, method: Any, used: list[Any]) -> str:
    hints = get_type_hints(method)
    used += hints.values()
    parameters = []
    for parameter in list(inspect.signature(method).parameters.values())[1:]:
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in parameters:
            parameters.append("*")
        shown = f"{parameter.name}: {type_text(hints.get(parameter.name, Any))}"
        if parameter.default is not parameter.empty:
            shown += f" = {parameter.default!r}"
        parameters.append(shown)
    is_coroutine = inspect.iscoroutinefunction(method)
    call = ", ".join(parameters)
    signature = (
        f"{'async ' if is_coroutine else ''}def {name}({call}) -> {type_text(hints.get('return'))}"
    )
    if len(signature) > 100:
        inner = "".join(f"\n    {one}," for one in parameters)
        signature = f"{'async ' if is_coroutine else ''}def {name}({inner}\n) -> {type_text(hints.get('return'))}"
    needed = "Required." if getattr(method, "__isabstractmethod__", False) else "Optional."
    doc = roles(inspect.cleandoc(method.__doc__ or ""))
    told = " ".join([needed, marks(method)]).strip()
    return f"\n### {name}\n\n```text\n{signature}\n```\n\n{told} {doc}\n"


def _types(kind: type, used: Iterable[Any]) -> str:
    """The Structs and enumerations that methods take and give, and those inside of them."""
    domain = ".".join(kind.__module__.split(".")[:2])
    found: dict[str, type] = {}
    pending = [one for annotation in used for one in _classes(annotation)]
    pending += [one for hint in _hints(kind).values() for one in _classes(hint)]
    while pending:
        one = pending.pop(0)
        is_ours = one.__module__.startswith(domain) and one.__name__ not in found
        if is_ours and issubclass(one, msgspec.Struct | enum.Enum):
            found[one.__name__] = one
            if issubclass(one, msgspec.Struct):
                pending += [inner for hint in _hints(one).values() for inner in _classes(hint)]
    if not found:
        return ""
    text = "\n## What they take and give\n"
    for name in sorted(found):
        one = found[name]
        text += f"\n### {name}\n\n{prose(inspect.cleandoc(one.__doc__ or ''))}\n\n"
        text += _members(one) if issubclass(one, enum.Enum) else fields_table(one)
    return text


def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, vars(sys.modules[kind.__module__]))


def _classes(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type):
        yield annotation
    for inner in get_args(annotation):
        yield from _classes(inner)


def _members(kind: type[enum.Enum]) -> str:
    said = field_docs(kind)
    rows = [f"| `{one.name}` | `{one.value}` | {cell(said.get(one.name, ''))} |" for one in kind]
    return "| member | value | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def fields_table(kind: Any) -> str:
    """The fields of a Struct with type, default and meaning."""
    said, hints = field_docs(kind), _hints(kind)
    rows = []
    for field in msgspec.structs.fields(kind):
        default = "required"
        if field.default is not msgspec.NODEFAULT:
            default = f"`{_shown(field.default)}`"
        elif field.default_factory is not msgspec.NODEFAULT:
            default = f"`{_shown(field.default_factory())}`"
        meaning = cell(said.get(field.name, ""))
        rows.append(
            f"| `{field.name}` | `{cell(type_text(hints[field.name]))}` | {cell(default)} | {meaning} |"
        )
    if not rows:
        return "It has no fields.\n"
    return "| field | type | default | meaning |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def _shown(value: Any) -> str:
    return f"{type(value).__name__}.{value.name}" if isinstance(value, enum.Enum) else repr(value)


def contexts() -> str:
    """What the core hands to plugins and providers, and what they may raise."""
    from commercekit.platform import plugins, providers
    from commercekit.platform.providers import ProviderError

    text = (
        "# Contexts and errors\n\n"
        "What the shop hands over, and the words in which a provider says no.\n"
    )
    for kind, door in (
        (plugins.PluginContext, "commercekit"),
        (providers.ProviderContext, "commercekit.platform.providers"),
        (providers.SecretReader, "commercekit.platform.providers"),
        (providers.TokenCache, "commercekit.platform.providers"),
        (providers.RawRequest, "commercekit.platform.providers"),
        (providers.Ack, "commercekit.platform.providers"),
    ):
        text += f"\n## {kind.__name__}\n\nFrom `{door}`. {prose(inspect.cleandoc(kind.__doc__ or ''))}\n\n"
        said, rows = field_docs(kind), []
        for name, hint in kind.__annotations__.items():
            rows.append(f"| `{name}` | `{cell(type_text(hint))}` | {cell(said.get(name, ''))} |")
        if rows:
            text += "| field | type | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n\n"
        for name, member in vars(kind).items():
            if inspect.isfunction(member) and not name.startswith("_"):
                text += f"- `{name}{_call_of(member)}`: {first_paragraph(member)}\n"
        text = text.rstrip("\n") + "\n"
    text += (
        "\n## Errors\n\nFrom `commercekit.platform.providers`. The class decides what the core does next;\n"
        "anything else that is raised counts as a failure of the plugin.\n\n"
        "| error | raised with | HTTP | what it means, and what the core does |\n|---|---|---|---|\n"
    )
    for kind in sorted(_below(ProviderError), key=lambda one: one.__name__):
        if kind.__module__.startswith("commercekit.") and kind.__name__ in providers.__all__:
            ours = kind.__name__.startswith("PluginFailed")
            raised = "by the core only" if ours else f"`{cell(_call_of(kind))}`"
            text += (
                f"| `{kind.__name__}` | {raised} | [`{kind.slug}`](problems.md) "
                f"| {first_paragraph(kind)} |\n"
            )
    return text


def _call_of(member: Any) -> str:
    """A signature as one would write it: ``(name: str) -> str``."""
    shown = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(member)))
    shown = shown.replace("(self, ", "(").replace("(self)", "()").removesuffix(" -> None")
    return type_text(shown)


def _below(root: Any) -> Iterator[Any]:
    for child in root.__subclasses__():
        yield child
        yield from _below(child)


def _guide(family: str) -> str | None:
    """The page of how-to on a kit: ``test-a-carrier.md`` for ``Carrier``."""
    words = page_of(type(family, (), {})).removesuffix(".md").split("-")
    for length in range(len(words), 0, -1):
        for start in ("test-a-", "test-an-", "test-"):
            name = f"{start}{'-'.join(words[:length])}.md"
            if (ROOT / "docs/how-to" / name).exists():
                return name
    return None


def conformance() -> str:
    """The rules of every kit, with their reasons."""
    from commercekit.testing import conformance as kits

    text = (
        "# Conformance kits\n\n"
        "A kit is a class of tests that a plugin's own test suite inherits. Each rule is one or more tests; one\n"
        'that fails names the rule and its reason. Install them with `pip install "commercekit[testing]"`. Every\n'
        "kit is proven against plugins that break one rule each.\n\n"
        "```text\n"
        "from commercekit.testing.conformance import CarrierContract\n\n\n"
        "class TestContract(CarrierContract):\n"
        "    @pytest.fixture\n"
        "    def carrier(self): ...\n\n"
        "    @pytest.fixture\n"
        "    def context(self): ...\n"
        "```\n"
    )
    for name in sorted(kits.__all__):
        rules = getattr(kits, name)
        if not name.endswith("_RULES"):
            continue
        family = "".join(part.title() for part in name.removesuffix("_RULES").split("_"))
        contract = getattr(kits, f"{family}Contract", None)
        if contract is None:
            continue
        text += f"\n## {family}Contract\n\n{prose(inspect.cleandoc(contract.__doc__ or ''))}\n\n"
        guide = _guide(family)
        text += (
            f"How it is used: [{guide.removesuffix('.md')}](../how-to/{guide}).\n\n"
            if guide
            else ""
        )
        rows = [f"| `{rule}` | {cell(str(reason))} |" for rule, reason in rules.items()]
        text += "| rule | because |\n|---|---|\n" + "\n".join(rows) + "\n"
    return text
