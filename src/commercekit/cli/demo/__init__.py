"""A whole purchase through the shop's own HTTP interface, narrated."""
