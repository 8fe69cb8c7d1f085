"""The URL table: what stands where, and that nothing privileged stands open."""

from commercekit.web.media import media_routes
from commercekit.web.routes import build_web, check_routes
from commercekit.web.webhooks import Receiver, webhook_routes

__all__ = ["Receiver", "build_web", "check_routes", "media_routes", "webhook_routes"]
