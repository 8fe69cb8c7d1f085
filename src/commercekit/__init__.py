"""CommerceKit: a company's whole commerce, as a library with plugins."""
