"""One module for each command of ``commercekit``."""
