"""Machines that know no commerce: each sub-package is one, and each has its own front door."""
