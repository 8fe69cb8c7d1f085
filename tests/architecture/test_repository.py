from __future__ import annotations

import re
from itertools import chain

import commercekit
from tests.architecture.repository import BINARY, TOP, distributions, traces, tracked, unpinned
from tests.architecture.source import ROOT, core, none_of


def test_no_file_knows_a_machine_or_a_registry():
    found = []
    for path in tracked():
        if path.suffix not in BINARY:
            name = str(path.relative_to(ROOT))
            found += traces(name, path.read_text(encoding="utf-8"))
    assert none_of(found)


def test_a_path_of_one_machine_is_seen():
    line = "see /" + "home/alice/shop and https://" + "pypi." + "org/simple"
    assert len(list(traces("notes.md", line))) == 2
    assert list(traces("notes.md", "GET /store/home/page and ~/work")) == []


def test_nothing_unexpected_stands_at_the_top():
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} - TOP == set()


def test_every_dependency_is_pinned_with_a_hash_and_without_an_address():
    assert list(unpinned((ROOT / "constraints.txt").read_text(encoding="utf-8"))) == []


def test_a_dependency_without_version_or_hash_is_seen():
    assert list(unpinned("rich>=13\nclick==8.1.7 \\\n    --hash=sha256:00")) == [
        "rich>=13 has no exact version",
        "rich>=13 has no hash",
    ]
    assert list(unpinned("click==8.1.7 \\\n    --hash=sha256:00\n# from https://example.org")) == [
        "an address"
    ]


def test_every_direct_dependency_stands_in_the_lock():
    lock = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    wanted = set()
    for declared in distributions().values():
        project = declared["project"]
        lists = [
            project.get("dependencies", []),
            declared["build-system"]["requires"],
            *project.get("optional-dependencies", {}).values(),
            *declared.get("dependency-groups", {}).values(),
        ]
        for requirement in chain.from_iterable(lists):
            name = re.match(r"[A-Za-z0-9._-]+", requirement)
            wanted.add(re.sub(r"[-_.]+", "-", name.group()).lower())
    assert {name for name in wanted - pinned if not name.startswith("commercekit")} == set()


def test_every_distribution_is_complete():
    lacking = []
    for folder, declared in distributions().items():
        if folder == ".":
            continue
        package = declared["project"]["name"].replace("-", "_")
        wanted = ["README.md", f"src/{package}/__init__.py", f"src/{package}/py.typed", "tests"]
        lacking += [f"{folder}/{one}" for one in wanted if not (ROOT / folder / one).exists()]
        if list(declared["project"]["entry-points"]) != ["commercekit"]:
            lacking.append(f"{folder}: an entry point in the group commercekit, and no other")
        if declared["project"]["requires-python"] != ">=3.11":
            lacking.append(f"{folder}: requires-python")
    assert none_of(lacking)


def test_every_folder_with_code_is_a_package():
    folders = {(ROOT / module.path).parent for module in core()}
    bare = [str(f.relative_to(ROOT)) for f in folders if not (f / "__init__.py").exists()]
    assert none_of(name for name in sorted(bare) if name != "src")


def test_the_package_and_its_metadata_agree_on_the_version():
    declared = distributions()["."]["project"]["version"]
    assert getattr(commercekit, "__version__", declared) == declared
