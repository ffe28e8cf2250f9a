"""Models that come over MQTT: signed, fetched, tried, and taken back if they fail."""
