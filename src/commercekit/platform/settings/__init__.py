"""One typed tree of settings, from ``commercekit.toml`` and the environment.

Any msgspec Struct is a table of settings, and ``COMMERCEKIT_HTTP__PORT`` sets ``http.port`` above
the file. Wrong settings are told all at once, and what is a :class:`Secret` is never shown.
"""

from commercekit.platform.settings.durations import format_duration, parse_duration
from commercekit.platform.settings.layers import laid_beneath
from commercekit.platform.settings.loading import LoadedSettings, SettingsSource, load_settings
from commercekit.platform.settings.problems import SettingProblem, SettingsError
from commercekit.platform.settings.reading import Section
from commercekit.platform.settings.reference import (
    SettingDoc,
    describe_settings,
    masked,
    settings_table,
    value_at,
)
from commercekit.platform.settings.secret import MASK, Secret

__all__ = [
    "MASK",
    "LoadedSettings",
    "Secret",
    "Section",
    "SettingDoc",
    "SettingProblem",
    "SettingsError",
    "SettingsSource",
    "describe_settings",
    "format_duration",
    "laid_beneath",
    "load_settings",
    "masked",
    "parse_duration",
    "settings_table",
    "value_at",
]
