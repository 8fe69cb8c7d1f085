"""Every refusal that a client may see."""

from __future__ import annotations

import importlib

from reference_pages.reading import below, first_paragraph, module_names


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
