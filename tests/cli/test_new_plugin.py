"""Beginning a plugin: what is refused, what is asked, and that nothing half-written ever stays."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from commercekit.cli import scaffold
from commercekit.cli.scaffold import Answers, Refused, kinds, rendered, write
from commercekit.cli.scaffold.kinds import TEMPLATES

ROOT = Path(__file__).resolve().parents[2]


def _answers(kind="carrier", name="acme", **changes):
    told = {
        "title": "", "distribution": "", "author": "", "licence": "MIT", "core": "0.1.0",
    } | changes  # fmt: skip
    return Answers.of(kinds()[kind], name, **told)


def _left_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_every_answer_is_a_flag(commercekit, at):
    code, told, errors = commercekit(
        "plugins", "new", "carrier", "swift-post", "--title", "Swift Post", "--licence", "MIT",
        "--author", "Ada Lovelace <ada@example.com>", "--distribution", "swift-for-shops",
        "--into", str(at), "--yes",
    )  # fmt: skip
    assert code == 0
    assert told.startswith(f"Wrote {at / 'swift-for-shops'}: ")
    assert 'pip install -e ".[dev]"' in errors
    project = tomllib.loads((at / "swift-for-shops" / "pyproject.toml").read_text())["project"]
    assert project["name"] == "swift-for-shops"
    assert project["license"] == "MIT"
    assert project["authors"] == [{"name": "Ada Lovelace", "email": "ada@example.com"}]
    assert project["entry-points"] == {"commercekit": {"swift-for-shops": "swift_for_shops.plugin"}}
    carrier = (at / "swift-for-shops/src/swift_for_shops/carrier.py").read_text()
    assert "class SwiftPostCarrier(Carrier):" in carrier
    assert 'code: ClassVar[str] = "swift-post"' in carrier


def test_without_a_terminal_nothing_is_asked(commercekit, at):
    code, told, _ = commercekit("plugins", "new", "carrier", "acme")
    assert (code, told.split(":")[0]) == (0, "Wrote commercekit-carrier-acme")
    assert _left_in(at) == ["commercekit-carrier-acme"]


def test_on_a_terminal_it_asks_for_what_was_not_said(at):
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", "from commercekit.cli import main; main()", "plugins", "new"],
        cwd=at, stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "TERM": "dumb"},
    ) as asking:  # fmt: skip
        os.write(master, b"carrier\nacme\nAcme & Sons\nAda\nMIT\n")
        told, _ = asking.communicate(timeout=30)
    os.close(slave)
    os.close(master)
    assert asking.returncode == 0, told
    project = tomllib.loads((at / "commercekit-carrier-acme/pyproject.toml").read_text())["project"]
    assert (
        project["description"]
        == "Parcels with Acme & Sons for CommerceKit: rates, labels, tracking."
    )
    assert project["authors"] == [{"name": "Ada"}]
    assert project["license"] == "MIT"


@pytest.mark.parametrize(
    "name",
    ["", "Acme", "1acme", "acme_pay", "acme--pay", "-acme", "acme-", "acme pay", "ácme", "../acme",
     "a" * 25],
)  # fmt: skip
def test_name_that_is_no_code_is_refused(commercekit, at, name):
    code, told, errors = commercekit("plugins", "new", "carrier", name, "--yes")
    assert (code, told) == ((1, "") if name and name[0] != "-" else (2, ""))
    assert name[:1] == "-" or not name or f"{name!r} is no name for a plugin" in errors
    assert _left_in(at) == []


@pytest.mark.parametrize(
    "distribution", ["Acme", "acme_pay", "json", "class", "commercekit", "a/b", "x" * 49]
)
def test_distribution_that_cannot_be_imported_or_hides_another_is_refused(
    commercekit, at, distribution
):
    code, told, errors = commercekit(
        "plugins", "new", "carrier", "acme", "--yes", "--distribution", distribution
    )
    assert (code, told) == (1, "")
    assert repr(distribution) in errors
    assert _left_in(at) == []


def test_plugin_that_is_installed_is_not_begun_again(commercekit, at):
    code, told, errors = commercekit("plugins", "new", "carrier", "table-rate", "--yes")
    assert (code, told) == (1, "")
    assert (
        "Plugin 'carrier-table-rate' (commercekit-carrier-table-rate 0.1.0) is installed" in errors
    )
    assert _left_in(at) == []


def test_unknown_kind_is_refused_with_those_that_are_known(commercekit, at):
    code, told, errors = commercekit("plugins", "new", "loyalty", "acme", "--yes")
    assert (code, told) == (2, "")
    for kind in kinds():
        assert kind in errors
    assert _left_in(at) == []


@pytest.mark.parametrize("missing", ["KIND", "NAME"])
def test_what_is_missing_is_named(commercekit, at, missing):
    code, _, errors = commercekit("plugins", "new", *(["carrier"] if missing == "NAME" else []))
    assert code == 2
    assert f"Missing argument {missing}" in errors
    assert _left_in(at) == []


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--title", 'A "quoted" one'),
        ("--title", "two\nlines"),
        ("--title", "{{ 7 * 7 }}"),
        ("--title", "x" * 33),
        ("--author", "<only@example.com>"),
        ("--author", "Ada <no address>"),
    ],
)
def test_words_that_would_break_files_are_refused(commercekit, at, flag, value):
    code, told, errors = commercekit("plugins", "new", "carrier", "acme", "--yes", flag, value)
    assert (code, told) == (1, "")
    assert flag.removeprefix("--") in errors
    assert _left_in(at) == []


def test_folder_with_something_in_it_is_left_alone(commercekit, at):
    (at / "commercekit-carrier-acme").mkdir()
    (at / "commercekit-carrier-acme" / "mine.txt").write_text("mine")
    code, told, errors = commercekit("plugins", "new", "carrier", "acme", "--yes")
    assert (code, told) == (1, "")
    assert (
        "commercekit-carrier-acme exists and is not an empty folder; nothing was written" in errors
    )
    assert _left_in(at) == ["commercekit-carrier-acme"]
    assert _left_in(at / "commercekit-carrier-acme") == ["mine.txt"]


@pytest.mark.parametrize("what", ["file", "dangling link"])
def test_name_that_is_taken_by_something_else_is_left_alone(commercekit, at, what):
    target = at / "commercekit-carrier-acme"
    target.write_text("mine") if what == "file" else target.symlink_to(at / "nowhere")
    code, told, _ = commercekit("plugins", "new", "carrier", "acme", "--yes")
    assert (code, told) == (1, "")
    assert _left_in(at) == ["commercekit-carrier-acme"]


def test_empty_folder_is_filled(commercekit, at):
    (at / "commercekit-carrier-acme").mkdir()
    code, _, _ = commercekit("plugins", "new", "carrier", "acme", "--yes")
    assert code == 0
    assert "pyproject.toml" in _left_in(at / "commercekit-carrier-acme")
    assert _left_in(at) == ["commercekit-carrier-acme"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_half_written_folder_never_remains(tmp_path, monkeypatch, error):
    written = []
    plainly = Path.write_text

    def full(self, *arguments, **options):
        if len(written) == 5:
            raise error
        written.append(self)
        return plainly(self, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(type(error)):
        write(rendered(_answers()), tmp_path / "commercekit-carrier-acme")
    assert len(written) == 5
    assert _left_in(tmp_path) == []


def test_whoever_is_slower_of_two_leaves_the_other_alone(tmp_path, monkeypatch):
    target = tmp_path / "commercekit-carrier-acme"
    files = rendered(_answers())
    rename = Path.rename

    def late(self, other):
        target.mkdir()
        (target / "mine.txt").write_text("mine")
        return rename(self, other)

    monkeypatch.setattr(Path, "rename", late)
    with pytest.raises(Refused):
        write(files, target)
    assert _left_in(tmp_path) == ["commercekit-carrier-acme"]
    assert _left_in(target) == ["mine.txt"]


def test_folder_cannot_be_made_where_nothing_may_be_written(commercekit, at):
    code, told, errors = commercekit(
        "plugins", "new", "carrier", "acme", "--into", "/proc", "--yes"
    )
    assert (code, told) == (1, "")
    assert "Traceback" not in errors


def test_folder_has_the_rights_that_new_folders_have(commercekit, at):
    commercekit("plugins", "new", "carrier", "acme", "--yes")
    (at / "plain").mkdir()
    assert (at / "commercekit-carrier-acme").stat().st_mode == (at / "plain").stat().st_mode


@pytest.mark.parametrize(
    ("core", "bounds"),
    [("0.1.0", ">=0.1,<0.2"), ("0.12.3.dev4", ">=0.12,<0.13"), ("1.4.2", ">=1.4,<2"),
     ("2.0", ">=2.0,<3"), ("0", ">=0.0,<0.1")],
)  # fmt: skip
def test_core_is_bounded_by_what_keeps_its_promises(core, bounds):
    assert _answers(core=core).bounds == bounds


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_is_a_whole_distribution(kind):
    answers = _answers(kind, "acme")
    files = {path.as_posix(): text for path, text in rendered(answers).items()}
    package = f"src/{answers.package}"
    for name in (
        ".github/workflows/ci.yml", ".gitignore", "CHANGELOG.md", "README.md", "README.zh.md", "pyproject.toml",
        f"{package}/__init__.py", f"{package}/plugin.py", f"{package}/settings.py",
        f"{package}/py.typed", "tests/conftest.py",
    ):  # fmt: skip
        assert name in files
    assert any(re.fullmatch(r"tests/test_\w+\.py", name) for name in files)
    assert answers.description in files["README.md"]
    assert answers.description_zh in files["README.zh.md"]
    for name, text in files.items():
        assert "{{" not in text.replace("${{ matrix", ""), name
        assert "PACKAGE" not in name + text
        assert not re.search(r"\t| $", text, re.MULTILINE), name


@pytest.mark.parametrize("kind", kinds())
def test_guide_of_every_kind_exists_in_both_languages(kind):
    guide = kinds()[kind].guide
    assert (ROOT / "docs/how-to" / f"{guide}.md").is_file()
    assert (ROOT / "docs/how-to/zh" / f"{guide}.md").is_file()


def test_help_lists_the_kinds(commercekit):
    code, told, _ = commercekit("plugins", "new", "--help")
    assert code == 0
    for kind in kinds().values():
        assert re.search(rf"{kind.code}\s+{re.escape(kind.summary)}", told)


def test_no_template_stands_idle():
    folders = {path.name for path in TEMPLATES.iterdir() if path.is_dir()}
    assert folders == {*kinds(), "_shared"}
    assert scaffold.__name__ == "commercekit.cli.scaffold"
