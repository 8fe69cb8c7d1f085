from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.docs.documents import ROOT, Page, dead_links, known_command, pages

PAGES = pages()
SNIPPETS = [
    pytest.param(page, block, id=f"{page.path.relative_to(ROOT)}:{block.line}")
    for page in PAGES
    for block in page.blocks
    if block.language == "python"
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.path.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    assert dead_links(page) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.path.relative_to(ROOT)))
def test_a_page_begins_with_one_heading(page):
    assert page.text.startswith("# ")
    assert sum(line.startswith("# ") for line in page.prose.splitlines()) == 1


@pytest.mark.parametrize(("page", "block"), SNIPPETS)
def test_code_in_the_documentation_runs(page, block):
    # As it would run for a reader: without what this module imports from the future.
    where = f"{page.path.name}:{block.line}"
    exec(compile(block.code, where, "exec", dont_inherit=True), {"__name__": "example"})


def test_reference_pages_list_what_the_code_has():
    done = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "reference.py"), "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_commands_in_the_documentation_exist():
    unknown = []
    for page in PAGES:
        for block in page.blocks:
            for line in block.code.splitlines():
                found = re.match(r"(?:\.venv/bin/)?commercekit((?: [a-z][a-z-]*)+)", line.strip())
                if block.language == "sh" and found and not known_command(found[1].split()):
                    unknown.append(f"{page.path.name}: {line}")
    assert unknown == []


def test_a_command_that_does_not_exist_is_seen():
    assert known_command(["db", "upgrade"])
    assert known_command(["import", "products", "apparel"])
    assert not known_command(["db", "migrate"])
    assert not known_command(["sell"])


def test_every_page_stands_in_the_site():
    nav = (ROOT / ".ci/mkdocs.yml").read_text(encoding="utf-8")
    names = [str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")]
    assert [
        name
        for name in sorted(names)
        if not re.search(rf"[ :]{re.escape(name)}$", nav, re.MULTILINE)
    ] == []


def test_every_decision_stands_in_the_index():
    index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    for path in sorted((ROOT / "docs/decisions").glob("0*.md")):
        title = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        assert f"| [{path.name[:4]}]({path.name}) | {title} |" in index


def test_the_glossaries_know_the_same_words():
    def words(name: str, column: int) -> set[str]:
        lines = (ROOT / "docs/glossary" / name).read_text(encoding="utf-8").splitlines()
        rows = [line.split("|") for line in lines if line.startswith("|") and "---" not in line]
        return {row[column].strip() for row in rows[1:]}

    assert words("en.md", 3) == words("zh.md", 1)


def test_a_dead_link_and_a_dead_anchor_are_seen():
    text = "# A page\n\n[gone](nowhere.md) [no such part](#elsewhere) [fine](#a-page)\n"
    assert dead_links(Page(ROOT / "README.md", text)) == ["nowhere.md", "#elsewhere"]


def test_links_inside_of_code_are_not_followed():
    assert Page(ROOT / "README.md", "# A\n\n```sh\n[gone](nowhere.md)\n```\n").links == []
