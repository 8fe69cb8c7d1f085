"""Migrations of months, oldest first."""
