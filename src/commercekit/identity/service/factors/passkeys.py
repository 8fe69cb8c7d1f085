"""Passkeys: what a browser is asked, and whether its answer holds (WebAuthn)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec
import webauthn
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

if TYPE_CHECKING:
    from uuid import UUID

    from commercekit.identity.models.factors import Factor

__all__ = ["Passkey", "Passkeys"]

_CHALLENGE: Final = 32
_BROKEN: Final = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError)
"""What the library raises for an answer that does not hold, or is none."""


class Passkey(NamedTuple):
    """What is kept of one."""

    credential: bytes
    """The digest of the credential's id, to find it by."""
    secret: bytes
    counter: int


class _Kept(msgspec.Struct, frozen=True):
    id: bytes
    public_key: bytes


class Passkeys:
    """Asks and judges for one shop: a passkey of another address is none here."""

    def __init__(self, *, base_url: str, shop_name: str) -> None:
        parts = urlsplit(base_url)
        self._host = parts.hostname or "localhost"
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._shop_name = shop_name

    def new_challenge(self) -> bytes:
        """What the answer must be about."""
        return secrets.token_bytes(_CHALLENGE)

    def registration(
        self, account_id: UUID, name: str, challenge: bytes, known: Sequence[Factor]
    ) -> dict[str, Any]:
        """For ``navigator.credentials.create``; devices that are known already are left out."""
        options = webauthn.generate_registration_options(
            rp_id=self._host,
            rp_name=self._shop_name,
            user_id=account_id.bytes,
            user_name=name,
            challenge=challenge,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.PREFERRED,
            ),
            exclude_credentials=_descriptors(known),
        )
        return _plain(webauthn.options_to_json(options))

    def registered(self, answer: dict[str, Any], challenge: bytes) -> Passkey | None:
        """The new passkey; ``None`` when the answer does not hold."""
        try:
            found = webauthn.verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self._origin,
            )
        except _BROKEN:
            return None
        kept = _Kept(found.credential_id, found.credential_public_key)
        return Passkey(_name(found.credential_id), msgspec.json.encode(kept), found.sign_count)

    def authentication(self, challenge: bytes, known: Sequence[Factor]) -> dict[str, Any]:
        """For ``navigator.credentials.get``, by one of these passkeys."""
        options = webauthn.generate_authentication_options(
            rp_id=self._host,
            challenge=challenge,
            allow_credentials=_descriptors(known),
            user_verification=UserVerificationRequirement.PREFERRED,
        )
        return _plain(webauthn.options_to_json(options))

    def named(self, answer: dict[str, Any]) -> bytes | None:
        """Which passkey an answer says to be of."""
        try:
            return _name(webauthn.base64url_to_bytes(answer["rawId"]))
        except _BROKEN:
            return None

    def proven(self, answer: dict[str, Any], challenge: bytes, factor: Factor) -> int | None:
        """The passkey's new counter; ``None`` when the answer does not hold, or the counter went back."""
        kept = msgspec.json.decode(factor.secret, type=_Kept)
        try:
            found = webauthn.verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                credential_public_key=kept.public_key,
                credential_current_sign_count=factor.counter,
            )
        except _BROKEN:
            return None
        return found.new_sign_count


def _plain(options: str) -> dict[str, Any]:
    return msgspec.json.decode(options, type=dict[str, Any])


def _name(credential_id: bytes) -> bytes:
    return hashlib.sha256(credential_id).digest()


def _descriptors(known: Sequence[Factor]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(id=msgspec.json.decode(each.secret, type=_Kept).id)
        for each in known
    ]
