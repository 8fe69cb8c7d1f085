"""Migrations of this package, oldest first."""
