"""Migrations of the sandbox."""
