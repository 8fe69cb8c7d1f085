"""What the bodies of several calls have in common."""

from typing import Annotated

from msgspec import Meta

from commercekit.identity.rules import MAX_LENGTH

__all__ = [
    "CaptchaField",
    "EmailField",
    "LocaleField",
    "NameField",
    "PasswordField",
    "TokenField",
]

EmailField = Annotated[str, Meta(min_length=3, max_length=254, examples=["li.lei@example.com"])]
PasswordField = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_LENGTH,
        description="Any characters; at least as many as the shop's settings ask for.",
    ),
]
NameField = Annotated[str, Meta(min_length=1, max_length=200)]
LocaleField = Annotated[
    str, Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", max_length=35)
]
CaptchaField = Annotated[
    str,
    Meta(min_length=1, max_length=4096, description="The answer to a captcha, where one is due."),
]
TokenField = Annotated[
    str, Meta(min_length=1, max_length=200, description="What stands behind # in the link.")
]
