"""Migrations of rate limits, oldest first."""
