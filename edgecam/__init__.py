"""edgecam: a private, real-time image classifier that speaks MQTT."""

from importlib.metadata import version

__version__ = version("edgecam")
