"""The vendor, played on this machine: its interface, its page, its webhooks and its statement."""

from commercekit_payment_stripe.fake.vendor import FakeStripe, Way

__all__ = ["FakeStripe", "Way"]
