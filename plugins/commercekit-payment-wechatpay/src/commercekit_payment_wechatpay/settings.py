"""What a shop sets for a merchant account. Wrong settings stop the start, all of them at once."""

import re
from typing import Annotated, Final

from msgspec import Meta, Struct, structs

from commercekit.platform.settings import Secret
from commercekit_payment_wechatpay.signing import public_key

__all__ = ["Account", "AppIds"]

_ENDPOINT: Final = re.compile(
    r"https://[0-9A-Za-z.-]+(:[0-9]{1,5})?|http://(127\.0\.0\.1|localhost)(:[0-9]{1,5})?"
)
_APP_ID: Final = "^[0-9A-Za-z_]{1,32}$"
AppId = Annotated[str, Meta(pattern=_APP_ID)]


class AppIds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a flow has an id of its own; :attr:`Account.app_id` serves the others."""

    qr: Annotated[AppId | None, Meta(description="Codes on a screen.")] = None
    jsapi: Annotated[AppId | None, Meta(description="Pages in WeChat, or a mini program.")] = None
    h5: Annotated[AppId | None, Meta(description="Browsers on a phone.")] = None
    app: Annotated[AppId | None, Meta(description="The shop's own app.")] = None


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[payments.accounts.wechatpay.<account>]``."""

    merchant_id: Annotated[
        str, Meta(pattern="^[0-9]{6,32}$", description="The merchant number (mchid): 1900000109.")
    ]
    app_id: Annotated[
        str,
        Meta(
            pattern="^[0-9A-Za-z_]{1,32}$",
            description="The official account, mini program or app that is bound to the merchant.",
        ),
    ]
    app_ids: AppIds = AppIds()
    certificate_serial: Annotated[
        str,
        Meta(
            pattern="^[0-9A-Fa-f]{8,64}$",
            description="Serial number of the merchant's own API certificate, which signs requests.",
        ),
    ]
    private_key: Annotated[
        Secret,
        Meta(description="The text of apiclient_key.pem, which belongs to that certificate."),
    ]
    api_v3_key: Annotated[
        Secret, Meta(description="The APIv3 key, 32 characters: opens notifications.")
    ]
    public_key_id: Annotated[
        str | None,
        Meta(
            pattern="^PUB_KEY_ID_[0-9A-Za-z]{1,64}$",
            description="Number of the vendor's public key, which verifies what it says.",
        ),
    ] = None
    public_key: Annotated[
        str | None, Meta(description="The text of pub_key.pem, the key with that number.")
    ] = None
    platform_certificates: Annotated[
        bool,
        Meta(
            description="Trust the vendor's platform certificates too, fetched and renewed by "
            "themselves: for accounts without a public key, and while they change over."
        ),
    ] = False
    endpoint: Annotated[
        str,
        Meta(
            description="Where the vendor answers; https://api2.mch.weixin.qq.com is its second "
            "site. Plain http only for a fake on this machine.",
        ),
    ] = "https://api.mch.weixin.qq.com"

    def __post_init__(self) -> None:
        """Say what does not fit together."""
        problems = []
        if (self.public_key_id is None) != (self.public_key is None):
            problems.append("public_key and public_key_id belong together: set both or none")
        elif self.public_key is None and not self.platform_certificates:
            problems.append("set public_key_id and public_key, or platform_certificates = true")
        if self.public_key is not None:
            try:
                public_key(self.public_key)
            except ValueError:
                problems.append("public_key is no RSA public key in PEM (the text of pub_key.pem)")
        if not _ENDPOINT.fullmatch(self.endpoint):
            problems.append("endpoint is no https:// address without a path")
        if problems:
            raise ValueError("; ".join(problems))

    def app_id_of(self, flow: str) -> str:
        """Under which id the vendor meets the shopper in ``flow``."""
        own: str | None = getattr(self.app_ids, flow, None)
        return own or self.app_id

    def knows_app(self, app_id: str) -> bool:
        """Whether ``app_id`` is one of this account's."""
        return app_id in (self.app_id, *structs.astuple(self.app_ids))
