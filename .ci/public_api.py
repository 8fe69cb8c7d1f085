"""Record what plugins and clients may rely on in docs/reference/api.json; `make api` calls this.

Every difference from what is recorded has to be named in the uppermost part of CHANGELOG.md before it is
written: the name alone is looked for, such as `PaymentGateway.refund` or `GET /store/products`. With
``--check`` nothing is written; the exit code is 1 when the record is not what the code offers.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec

from commercekit.cli.upgrades.changes import Change, changes_between, unwarned
from commercekit.cli.upgrades.model import PublicApi
from commercekit.cli.upgrades.reading import read_source

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "docs/reference/api.json"
RELEASED = ROOT / "docs/reference/released"
"""``0.1.0.json`` and so on: what was recorded when a version was released."""
CHANGELOG = ROOT / "CHANGELOG.md"
_BASES = frozenset({"commercekit.kernel.DomainEvent"})
"""What facts inherit is not a change of each of them."""


def current() -> PublicApi:
    """What the source offers now, and the HTTP interface of a shop without plugins."""
    import commercekit

    api = read_source(ROOT / "src", version=commercekit.__version__)
    return msgspec.structs.replace(api, operations=operations())


def operations() -> dict[str, list[str]]:
    """Every operation of HTTP: its parameters, the fields of its body, its good answers."""
    document = _document()
    schemas = document["components"]["schemas"]
    found = {}
    for path, verbs in sorted(document["paths"].items()):
        for verb, operation in sorted(verbs.items()):
            if verb in {"get", "post", "put", "patch", "delete"}:
                found[f"{verb.upper()} {path}"] = sorted(_parts(operation, schemas))
    return found


def _document() -> dict[str, Any]:
    import httpx

    from commercekit.app import Shop, build_application, load_configuration

    async def read(app: Any) -> dict[str, Any]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            answer = await client.get("/openapi.json")
        document: dict[str, Any] = answer.raise_for_status().json()
        return document

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "commercekit.toml"
        text = "[plugins]\nenabled = []\n[web]\npages_in_memory = 0\n"
        file.write_text(text, encoding="utf-8")
        environ = {"COMMERCEKIT_DATA": str(Path(folder) / "data"), "PATH": os.environ["PATH"]}
        shop = Shop(load_configuration(file, environ), "postgresql://nobody@127.0.0.1:1/nothing")
        # Which market a host means is asked of the database, and there is none.
        with mock.patch("commercekit.app.application.market_lane", lambda app, *_, **__: app):
            return asyncio.run(read(build_application(shop)))


def _parts(operation: dict[str, Any], schemas: dict[str, Any]) -> Iterator[str]:
    for each in operation.get("parameters", ()):
        required = " (required)" if each.get("required") else ""
        yield f"{each['in']} {each['name']}{required}"
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content.get("schema", {})
        schema = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
        wanted = set(schema.get("required", ()))
        for name in schema.get("properties", {}):
            yield f"body {name}{' (required)' if name in wanted else ''}"
    for status in operation.get("responses", {}):
        if str(status).startswith("2"):
            yield f"answers {status}"


def unnamed(changes: Sequence[Change], changelog: str) -> list[Change]:
    """Those that the uppermost part of the changelog does not name."""
    newest = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:2]
    text = newest[0] if newest else ""
    silent = [change for change in changes if not named(change.name, text)]
    everywhere = shared(change for change in changes if named(change.name, text))
    return [change for change in silent if _member(change) not in everywhere]


def shared(changes: Iterable[Change]) -> set[tuple[str, str]]:
    """What a base class brings to all who stand on it is told once, where it stands: of ``DomainEvent``."""
    return {_member(change) for change in changes if change.name.rpartition(".")[0] in _BASES}


def _member(change: Change) -> tuple[str, str]:
    return change.name.rpartition(".")[2], change.told


def named(name: str, text: str) -> bool:
    """Whether ``text`` has the name, without the door if that is shorter: ``PaymentGateway.refund``."""
    parts = name.split(".")
    start = next((n for n, part in enumerate(parts) if part[:1].isupper()), len(parts) - 1)
    short = ".".join(parts[start:]) if name.startswith("commercekit.") else name
    return re.search(rf"(?<![\w.]){re.escape(short)}(?![\w])", text) is not None


def too_early(api: PublicApi) -> list[str]:
    """What a released version offered and this one removes before its two minor releases of warning."""
    found = []
    for file in sorted(RELEASED.glob("*.json")):
        released = PublicApi.read(file)
        found += [
            f"{each.sentence}, without two minor releases of warning since {released.version}"
            for each in unwarned(changes_between(released, api), api.version)
        ]
    return found


def main() -> int:
    """Write the record, or say what keeps it from being written."""
    api = current()
    before = PublicApi.read(RECORD) if RECORD.exists() else None
    changes = changes_between(before, api) if before is not None else []
    for change in changes:
        print(f"{'BREAKS' if change.breaks else 'differs'}: {change.sentence}")
    silent = unnamed(changes, CHANGELOG.read_text(encoding="utf-8"))
    for change in silent:
        print(f"not named in the uppermost part of {CHANGELOG.name}: {change.name}")
    early = too_early(api)
    for sentence in early:
        print(sentence)
    if "--check" in sys.argv[1:]:
        return 1 if before is None or changes or early or before.version != api.version else 0
    if silent or early:
        return 1
    RECORD.write_text(api.text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
