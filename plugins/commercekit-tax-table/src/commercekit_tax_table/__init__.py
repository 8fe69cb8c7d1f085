"""Tax rates out of a table in the settings."""
