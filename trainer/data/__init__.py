"""The user's photographs: which there are, what they show, and what each serves for."""
