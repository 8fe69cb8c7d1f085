"""A fake of WeChat Pay: its interface, its pages and its notifications, without an account.

``commercekit wechatpay fake`` runs it; the conformance kit and the plugin's tests command it in memory.
"""

from commercekit_payment_wechatpay.fake.keys import Keys, make_keys
from commercekit_payment_wechatpay.fake.vendor import APP_ID, MERCHANT, FakeWechatPay

__all__ = ["APP_ID", "MERCHANT", "FakeWechatPay", "Keys", "make_keys"]
