"""Networks whose last layers are trained on a user's own classes, one a file."""
