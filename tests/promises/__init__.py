"""What the shop promises, which tests keep it to its word, and what they saw last."""

from tests.promises.plugin import Figure, Profile

__all__ = ["Figure", "Profile"]
