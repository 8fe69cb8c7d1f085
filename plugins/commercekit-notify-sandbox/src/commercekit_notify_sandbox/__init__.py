"""A notifier that reaches nobody: every message becomes a file that can be opened and read."""
