"""Every permission of staff, with the routes that ask for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from reference_pages.reading import SOURCE

VERBS = {"get", "post", "put", "patch", "delete"}


def _required(decorators: list[ast.expr], known: dict[str, ast.expr]) -> Iterator[str]:
    for node in (inner for one in decorators for inner in ast.walk(one)):
        if isinstance(node, ast.Name) and node.id in known:
            yield from _required([known[node.id]], {})
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("requires"):
            yield from (a.value for a in node.args if isinstance(a, ast.Constant))


def _path(call: ast.Call) -> str:
    first = call.args[0] if call.args else None
    for word in call.keywords:
        first = word.value if word.arg == "path" else first
    if isinstance(first, ast.List) and first.elts:
        first = first.elts[0]
    return str(first.value) if isinstance(first, ast.Constant) else ""


def _routes() -> Iterator[tuple[str, str]]:
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        known = {
            ast.unparse(node.targets[0]): node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
        }
        for kind in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
            prefix, shared = "", []
            for node in kind.body:
                value = getattr(node, "value", None)
                targets = [ast.unparse(one) for one in getattr(node, "targets", ())]
                targets += [ast.unparse(node.target)] if isinstance(node, ast.AnnAssign) else []
                if "path" in targets and isinstance(value, ast.Constant):
                    prefix = str(value.value)
                if "guards" in targets and value is not None:
                    shared = list(_required([value], known))
            for node in kind.body:
                if not isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
                    continue
                for call in node.decorator_list:
                    if isinstance(call, ast.Call) and ast.unparse(call.func) in VERBS:
                        route = f"{ast.unparse(call.func).upper()} {prefix}{_path(call)}"
                        for scope in [*shared, *_required([call], known)]:
                            yield scope, route


def permissions() -> str:
    """The page."""
    scopes: dict[str, set[str]] = {}
    for scope, route in _routes():
        scopes.setdefault(scope, set()).add(route)
    rows = []
    for scope in sorted(scopes):
        routes = "<br>".join(
            f"`{route}`" for route in sorted(scopes[scope], key=lambda route: route.split()[::-1])
        )
        rows.append(f"| `{scope}` | {routes} |")
    return (
        "# Permissions\n\n"
        "A staff token carries scopes, `resource:action`; `orders:*` is every action on orders and `*:*` is\n"
        "everything. A request without the scope is refused with 403, and every privileged change stands in the\n"
        "audit log. `commercekit token create --help` says how a token is made. A plugin guards its own routes\n"
        'with `guards=[requires("payment-acme:write")]` from `commercekit.platform.security`.\n\n'
        "| scope | routes that ask for it |\n|---|---|\n" + "\n".join(rows) + "\n"
    )
