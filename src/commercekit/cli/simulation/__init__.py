"""A shop, its shoppers and staff, and a gateway that lies, played from a seed: ``commercekit sim``."""
