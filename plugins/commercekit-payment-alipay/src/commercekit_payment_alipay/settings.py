"""What a shop sets for one merchant account. Wrong settings stop the start, all of them at once."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from commercekit.platform.settings import Secret
from commercekit_payment_alipay import keys

__all__ = ["Account"]

_CERTIFICATES = ("app_cert", "alipay_cert", "alipay_root_cert")


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[payments.accounts.alipay.<account>]``."""

    app_id: Annotated[
        str, Meta(pattern="^[0-9]{10,32}$", description="The application's APPID in the console.")
    ]
    seller_id: Annotated[
        str, Meta(pattern="^2088[0-9]{12}$", description="The merchant's PID: who is paid.")
    ]
    private_key: Annotated[
        Secret,
        Meta(
            description="The application's private key (应用私钥), as PEM or as one line of base64."
        ),
    ]
    alipay_public_key: Annotated[
        str | None,
        Meta(
            description="Alipay's public key (支付宝公钥), not the application's. Public-key mode."
        ),
    ] = None
    app_cert: Annotated[
        Path | None, Meta(description="appCertPublicKey_<app_id>.crt. Certificate mode.")
    ] = None
    alipay_cert: Annotated[
        Path | None, Meta(description="alipayCertPublicKey_RSA2.crt. Certificate mode.")
    ] = None
    alipay_root_cert: Annotated[
        Path | None, Meta(description="alipayRootCert.crt. Certificate mode.")
    ] = None
    gateway_url: Annotated[
        str,
        Meta(
            pattern="^(https://|http://(127[.]0[.]0[.]1|localhost)[:/])[^?#@ ]+$",
            description="Alipay's gateway; its sandbox and the fake on this machine have another.",
        ),
    ] = "https://openapi.alipay.com/gateway.do"

    def __post_init__(self) -> None:
        """Either the public key or all three certificates, and each of them readable."""
        given = [name for name in _CERTIFICATES if getattr(self, name) is not None]
        if self.alipay_public_key is not None:
            if given:
                message = (
                    f"has alipay_public_key and {', '.join(given)}: it is one mode or the other"
                )
                raise ValueError(message)
            try:
                keys.public_key(self.alipay_public_key)
            except ValueError as error:
                message = f"alipay_public_key: {error}"
                raise ValueError(message) from None
            return
        missing = [name for name in _CERTIFICATES if name not in given]
        if missing:
            wanted = ", ".join(missing) if given else f"alipay_public_key, or {', '.join(missing)}"
            message = f"lacks {wanted}"
            raise ValueError(message)
        for name, read in (
            ("app_cert", keys.serial_of),
            ("alipay_cert", keys.certificate),
            ("alipay_root_cert", keys.root_serial_of),
        ):
            try:
                read(getattr(self, name))
            except (OSError, ValueError) as error:
                message = f"{name}: {error}"
                raise ValueError(message) from None

    @property
    def certificate_mode(self) -> bool:
        """Whether requests name certificates and answers are verified by Alipay's."""
        return self.alipay_public_key is None
