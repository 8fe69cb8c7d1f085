"""Public is what a front door offers. As a contract for import-linter, and as a rule for names.

A front door is a package right under ``commercekit``, or right under ``commercekit.platform``.
Whoever is outside of it imports from the door and nowhere else. The places that put the house
together (``app``, ``web``, ``cli``) may also take the rooms that exist to be wired.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, output

from tests.architecture.source import COMPOSITION, DOMAINS, Module, modules, offered

FURTHER_DOORS = frozenset(
    {
        "commercekit.platform.db.embedded",  # the server, which most processes never start
        "commercekit.platform.bus.rabbitmq",  # a client that most processes never import
        "commercekit.cli.quality",  # the scale, which authors' tests ask too
        "commercekit.testing.conformance",  # what plugin authors subclass
        "commercekit.testing.quality",  # the same scale, where authors look for it
        "commercekit.testing.vendors",  # what plugins play their vendors with
    }
)
WIRED_ROOMS = frozenset({"api", "hookspecs", "jobs", "piccolo_app", "subscribers"})


def door_of(name: str) -> str:
    """The front door that leads to a module of the core."""
    parts = name.split(".")
    for door in FURTHER_DOORS:
        if name == door or name.startswith(door + "."):
            return door
    depth = 3 if parts[1:2] == ["platform"] else 2
    return ".".join(parts[:depth])


def reaches_inside(importer: str, imported: str) -> bool:
    """Whether ``importer`` passes a front door by when it imports the module ``imported``."""
    if imported.split(".", maxsplit=1)[0] != "commercekit" or imported == "commercekit":
        return False
    door = door_of(imported)
    if imported == door:
        return False
    if importer.split(".", maxsplit=1)[0] == "commercekit" and door_of(importer) == door:
        return False
    if door in FURTHER_DOORS and importer.startswith(door.rpartition(".")[0]):
        return False
    if door_of(importer) in FURTHER_DOORS and importer.startswith(door + "."):
        return False  # a part of the same package, behind a door of its own
    parts = importer.split(".")
    wires = parts[0] == "commercekit" and len(parts) > 1 and parts[1] in COMPOSITION
    if wires and imported.split(".")[1] in DOMAINS | {"platform"}:
        return imported.removeprefix(door + ".").split(".")[0] not in WIRED_ROOMS
    return True


def names_not_offered(module: Module, known: dict[str, Module] | None = None) -> Iterator[str]:
    """Each import of ``module`` that takes what no front door offers."""
    known = modules() if known is None else known
    for taken in module.imports:
        if taken.module.split(".")[0] != "commercekit":
            continue
        # `from package import module` imports the module, if there is one of that name.
        target = taken.full if taken.full in known else taken.module
        if taken.name == "" or target == taken.full:
            if reaches_inside(module.name, target):
                yield f"{module.at(taken.line)} reaches inside: {target}"
            continue
        if reaches_inside(module.name, target):
            yield f"{module.at(taken.line)} reaches inside: {taken.name} of {target}"
            continue
        outside = module.is_plugin or door_of(module.name) != door_of(target)
        door = known.get(target)
        if outside and door is not None and door.is_package and target == door_of(target):
            public = offered(door)
            if public is None or taken.name not in public:
                yield f"{module.at(taken.line)} takes {taken.name}, which {target} does not offer"


class FrontDoorsContract(Contract):
    """For import-linter: nobody imports an inner module of another package of the house."""

    type_name = "front_doors"

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        found: list[dict[str, Any]] = []
        for importer in sorted(graph.modules):
            for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                if reaches_inside(importer, imported):
                    found += graph.get_import_details(importer=importer, imported=imported)
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for detail in check.metadata["found"]:
            output.print_error(
                f"{detail['importer']} -> {detail['imported']} (l.{detail['line_number']})",
                bold=True,
            )
        output.new_line()
        output.print_error("Import from the front door, or ask its owner to offer the name.")
