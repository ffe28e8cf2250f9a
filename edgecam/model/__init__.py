"""From an image to scores."""
