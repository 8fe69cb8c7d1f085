"""The URL table: what stands where, and that nothing privileged stands open."""

from commercekit.web.markets import market_lane
from commercekit.web.media import media_routes, picture_routes
from commercekit.web.routes import build_web, check_routes
from commercekit.web.webhooks import Receiver, webhook_routes

__all__ = [
    "Receiver",
    "build_web",
    "check_routes",
    "market_lane",
    "media_routes",
    "picture_routes",
    "webhook_routes",
]
