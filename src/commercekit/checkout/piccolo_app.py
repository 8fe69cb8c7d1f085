"""Checkout, as Piccolo sees it."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.checkout.tables import CartTable, PurchaseLimitTable, PurchaseTable

APP_CONFIG = AppConfig(
    app_name="commercekit_checkout",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[CartTable, PurchaseLimitTable, PurchaseTable],
    migration_dependencies=[],
    commands=[],
)
