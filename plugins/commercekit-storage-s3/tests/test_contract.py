"""The bucket keeps the contract of places for files."""

from __future__ import annotations

from datetime import timedelta

import pytest

from commercekit.platform.settings import Secret
from commercekit.testing.conformance import StorageContract
from commercekit_storage_s3.settings import Settings
from commercekit_storage_s3.storage import S3Storage

SECRET = "a-secret-nobody-may-see"


class TestContract(StorageContract):
    secrets = (SECRET,)

    @pytest.fixture(autouse=True)
    def server(self, s3, road):
        self.s3, self.road = s3, road

    def opened(self):
        return S3Storage(
            Settings(
                bucket="pictures",
                endpoint=self.road.url,
                access_key="test",
                secret_key=Secret(SECRET),
                timeout=timedelta(seconds=5),
                retries=0,
            )
        )

    @pytest.fixture
    def storage(self, server):
        return self.opened()

    async def reopened(self, storage):
        return self.opened()

    async def media_type(self, storage, name):
        return self.s3.read(name).headers["content-type"]

    async def goes_down(self, storage):
        self.road.script = ["503"] * 20
        return True
