"""edgecam: a private, real-time image classifier that speaks MQTT."""

__version__ = "0.1.0"
