"""What shoppers read, what machines read, and the synonyms that staff keep."""

from commercekit.storefront.api.feeds import StorefrontFeeds
from commercekit.storefront.api.shortcut import read_shortcut
from commercekit.storefront.api.store import StorefrontController
from commercekit.storefront.api.synonyms import AdminSynonyms

__all__ = ["AdminSynonyms", "StorefrontController", "StorefrontFeeds", "read_shortcut"]
