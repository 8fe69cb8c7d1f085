"""Steps of this domain's schema, oldest first."""
