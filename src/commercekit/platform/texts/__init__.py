"""Texts that plugins bring in catalogues of gettext, one folder for each language."""

from commercekit.platform.texts.catalogues import MissingText, PluginTexts

__all__ = ["MissingText", "PluginTexts"]
