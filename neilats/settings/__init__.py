"""Settings of the services: defaults, a YAML file, `NEILATS_*` variables and flags, in rising precedence.

Each field carries its own parser and its help text, so that `--help`, the file, the environment and the documentation
cannot disagree. All mistakes are collected and reported at once, each with the setting's name, value and source.
"""

from neilats.settings.base import Settings, SettingsError
from neilats.settings.extender import ExtenderSettings
from neilats.settings.loading import ENV_PREFIX, load_settings
from neilats.settings.prober import ProberSettings

__all__ = ["ENV_PREFIX", "ExtenderSettings", "ProberSettings", "Settings", "SettingsError", "load_settings"]
