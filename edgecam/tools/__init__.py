"""What one runs beside the daemon."""
