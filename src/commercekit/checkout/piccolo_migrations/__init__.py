"""Migrations of checkout, oldest first."""
