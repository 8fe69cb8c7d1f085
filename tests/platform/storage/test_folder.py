"""A folder keeps files whole, under names of ours only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from commercekit.errors import Malformed, Unavailable
from commercekit.platform.storage import FolderStorage


async def test_what_is_put_is_there_until_deleted(tmp_path):
    storage = FolderStorage(tmp_path / "pictures")
    assert await storage.get("ab-1.webp") is None
    await storage.put("ab-1.webp", b"one")
    await storage.put("ab-1.webp", b"one")
    assert await storage.get("ab-1.webp") == b"one"
    assert [p.name for p in (tmp_path / "pictures").rglob("*") if p.is_file()] == ["ab-1.webp"]
    await storage.delete("ab-1.webp")
    await storage.delete("ab-1.webp")
    assert await storage.get("ab-1.webp") is None


@pytest.mark.parametrize(
    "name",
    ["../x.webp", "a/b.webp", "..", "a\x00.webp", "A.webp", ".webp", "a.webp\n", "", "%2e%2e.w/x"],
)
async def test_no_name_leads_out_of_the_folder(tmp_path, name):
    storage = FolderStorage(tmp_path / "pictures")
    with pytest.raises(Malformed):
        await storage.put(name, b"x")
    with pytest.raises(Malformed):
        await storage.delete(name)
    assert await storage.get(name) is None
    assert list(tmp_path.rglob("*")) == []


async def test_a_full_disk_leaves_no_torn_file(tmp_path, monkeypatch):
    storage = FolderStorage(tmp_path)

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="No space left"):
        await storage.put("ab-1.webp", b"x" * 1000)
    assert await storage.get("ab-1.webp") is None
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
    monkeypatch.undo()
    await storage.put("ab-1.webp", b"whole")
    assert Path(tmp_path, "ab", "ab-1.webp").read_bytes() == b"whole"
