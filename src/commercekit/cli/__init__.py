"""The command line ``commercekit``."""

from commercekit.cli.exits import ExitCode
from commercekit.cli.main import cli, main

__all__ = ["ExitCode", "cli", "main"]
