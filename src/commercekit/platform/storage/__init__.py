"""Where files lie that the shop keeps, and how a picture that somebody sends becomes one to serve.

A :class:`Storage` keeps bytes by name; a folder does unless somebody writes another. ``PictureReader``
lets nothing through that is no picture: what it gives was decoded and written anew.
"""

from commercekit.platform.storage.errors import EmptyFile, FileTooLarge, NoPicture
from commercekit.platform.storage.folder import FolderStorage
from commercekit.platform.storage.guarded import MEDIA_STORAGES, GuardedStorage
from commercekit.platform.storage.pictures import (
    MAX_BYTES,
    MAX_PIXELS,
    WIDTHS,
    MadePicture,
    PictureFile,
    PictureReader,
)
from commercekit.platform.storage.storage import Storage, check_name

__all__ = [
    "MAX_BYTES",
    "MAX_PIXELS",
    "MEDIA_STORAGES",
    "WIDTHS",
    "EmptyFile",
    "FileTooLarge",
    "FolderStorage",
    "GuardedStorage",
    "MadePicture",
    "NoPicture",
    "PictureFile",
    "PictureReader",
    "Storage",
    "check_name",
]
