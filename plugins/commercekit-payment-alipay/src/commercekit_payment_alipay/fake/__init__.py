"""An Alipay of one's own: its gateway, its page, its notifications and its bills, without any money.

It enforces what the vendor documents (signatures, required fields, states, error codes, one amount for
one number) and forgets nothing that it was told.
"""

from commercekit_payment_alipay.fake.identity import Identity, kept_key
from commercekit_payment_alipay.fake.vendor import FakeAlipay

__all__ = ["FakeAlipay", "Identity", "kept_key"]
