"""The contract of places for files, proven: good ones keep it, and every way to break it is named."""

from __future__ import annotations

import pytest

from commercekit.platform.storage import FolderStorage
from commercekit.testing.conformance import STORAGE_RULES, StorageContract
from tests.testing.proving import faults, rules_without_a_test
from tests.testing.sample_storages import BROKEN, GoodContract, GoodStorage


async def test_a_good_storage_breaks_no_rule():
    assert await faults(GoodContract(), storage=GoodStorage) == {}


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
async def test_a_broken_storage_is_caught_by_the_rule_it_breaks(kind):
    found = await faults(GoodContract(), storage=kind)
    assert set(found) == BROKEN[kind], found


def test_every_rule_was_broken_once():
    assert set().union(*BROKEN.values()) == set(STORAGE_RULES)


def test_every_rule_has_a_reason_and_a_test_that_says_its_name():
    assert rules_without_a_test(GoodContract(), STORAGE_RULES) == []
    assert all(len(reason) > 20 for reason in STORAGE_RULES.values())


class TestFolder(StorageContract):
    """The core's own."""

    @pytest.fixture
    def storage(self, tmp_path):
        return FolderStorage(tmp_path / "media")

    async def reopened(self, storage):
        return FolderStorage(storage._folder)

    async def goes_down(self, storage):
        # A loop of links is what a mount that went wrong looks like, also to root.
        folder = storage._folder / "ab"
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
        folder.symlink_to(folder)
        return True
