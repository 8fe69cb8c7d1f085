"""The location nearest to the shopper serves the order."""
