"""Migrations of orders, oldest first."""
