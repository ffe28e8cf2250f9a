"""What a model is worth: measured, and told."""
