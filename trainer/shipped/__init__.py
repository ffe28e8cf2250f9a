"""What edgecam ships is made here."""
