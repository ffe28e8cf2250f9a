"""From scores to what is told."""
