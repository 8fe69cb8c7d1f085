"""Migrations of the counters, oldest first."""
