from __future__ import annotations

import subprocess

import pytest

from tests.wheels.changed import changed_plugins


def git(folder, *arguments):
    subprocess.run(
        ["git", "-c", "user.name=T", "-c", "user.email=t@example.com", *arguments],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip


def write(folder, name, text=""):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "tree"
    for name in ("a", "b", "c"):
        write(folder, f"plugins/{name}/pyproject.toml")
        write(folder, f"plugins/{name}/src/x.py")
    return folder


@pytest.fixture
def repository(tree):
    git(tree, "init", "-q", "-b", "main")
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "one")
    write(tree, "plugins/a/src/x.py", "1")
    git(tree, "commit", "-qam", "two")
    return tree


def test_on_main_the_last_change_counts(repository):
    assert changed_plugins(repository) == {"a"}


def test_a_branch_is_compared_with_where_it_began(repository):
    git(repository, "checkout", "-qb", "work")
    write(repository, "plugins/b/README.md")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "three")
    write(repository, "README.md")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "four")
    assert changed_plugins(repository) == {"b"}


def test_what_is_not_committed_counts_too(repository):
    git(repository, "checkout", "-qb", "work")
    git(repository, "commit", "-q", "--allow-empty", "-m", "three")
    write(repository, "plugins/b/src/x.py", "2")
    write(repository, "plugins/c/tests/new.py")
    assert changed_plugins(repository) == {"b", "c"}


def test_a_clone_is_compared_with_its_origin(repository, tmp_path):
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(repository), str(clone))
    assert changed_plugins(clone) == {"a"}
    write(clone, "plugins/c/src/x.py", "3")
    git(clone, "commit", "-qam", "three")
    assert changed_plugins(clone) == {"c"}


def test_without_history_all_count(repository, tree, tmp_path):
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", str(shallow))
    assert changed_plugins(shallow) == {"a", "b", "c"}


def test_without_git_all_count(tree, monkeypatch):
    assert changed_plugins(tree) == {"a", "b", "c"}
    monkeypatch.setenv("PATH", "")
    assert changed_plugins(tree) == {"a", "b", "c"}


def test_an_archive_inside_of_another_repository_is_no_clone(tree, tmp_path):
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "somebody else's")
    assert changed_plugins(tree) == {"a", "b", "c"}
