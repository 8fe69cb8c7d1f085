"""What the plugin brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from commercekit import hookimpl
from commercekit.platform.plugins import PluginContext
from commercekit.platform.storage import Storage
from commercekit_storage_s3.settings import Settings
from commercekit_storage_s3.storage import S3Storage

if TYPE_CHECKING:
    from msgspec import Struct


@hookimpl
def register_settings() -> type[Struct]:
    """``[plugins.storage-s3]``."""
    return Settings


@hookimpl
def register_media_storages(ctx: PluginContext) -> Sequence[Storage]:
    """One place, ``s3``, once a bucket is named; it counts when ``[media] storage`` names it."""
    settings = ctx.section(Settings)
    return [S3Storage(settings)] if settings.bucket else []
