"""The URL table: what stands where, and that nothing privileged stands open."""

from commercekit.web.markets import market_lane
from commercekit.web.matrix import MatrixRow, access_matrix, matrix_csv
from commercekit.web.media import media_routes, picture_routes
from commercekit.web.routes import build_web, check_routes
from commercekit.web.webhooks import Receiver, webhook_routes

__all__ = [
    "MatrixRow",
    "Receiver",
    "access_matrix",
    "build_web",
    "check_routes",
    "market_lane",
    "matrix_csv",
    "media_routes",
    "picture_routes",
    "webhook_routes",
]
