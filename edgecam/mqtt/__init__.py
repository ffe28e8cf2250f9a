"""From events to the broker, and orders back."""
