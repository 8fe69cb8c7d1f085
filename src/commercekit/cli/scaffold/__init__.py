"""Writing a new plugin: the kinds there are, the answers one needs, whole folders or nothing.

A kind is a folder in ``cli/templates`` with a ``kind.toml``; a new kind is a new folder.
"""

from commercekit.cli.scaffold.answers import Answers, Refused
from commercekit.cli.scaffold.kinds import Kind, kinds
from commercekit.cli.scaffold.writing import rendered, write

__all__ = ["Answers", "Kind", "Refused", "kinds", "rendered", "write"]
