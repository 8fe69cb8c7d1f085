"""What the operator sets."""

from datetime import timedelta
from typing import Annotated

from msgspec import Meta, Struct

from commercekit.platform.settings import Secret

__all__ = ["Settings"]


class Settings(Struct, frozen=True, kw_only=True):
    """Section ``[plugins.storage-s3]``."""

    bucket: Annotated[
        str, Meta(description="The bucket, which must exist; empty: the plugin offers nothing.")
    ] = ""
    prefix: Annotated[
        str,
        Meta(
            pattern="^([A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*)?$",
            description="A folder in it, for buckets that several shops share.",
        ),
    ] = ""
    region: Annotated[str, Meta(description="As the vendor names it.")] = "us-east-1"
    endpoint: Annotated[
        str | None,
        Meta(
            pattern="^https?://[^\\s/]+(/\\S*)?$",
            description="The vendor's address; without it, AWS's own of the region.",
        ),
    ] = None
    access_key: Annotated[
        str | None,
        Meta(description="Key id; without it, what the environment or the machine's role says."),
    ] = None
    secret_key: Annotated[Secret | None, Meta(description="The secret of the key.")] = None
    bucket_in_host: Annotated[
        bool,
        Meta(description="Whether the bucket stands in the host's name instead of in the path."),
    ] = False
    retries: Annotated[
        int, Meta(ge=0, le=10, description="How often a request is tried again.")
    ] = 3
    timeout: Annotated[
        timedelta, Meta(description="For one try; all of them together take at most three times.")
    ] = timedelta(seconds=5)
