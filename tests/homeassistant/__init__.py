"""Home Assistant itself meets a camera; ``make test-homeassistant`` sets it up in an environment of its own."""
