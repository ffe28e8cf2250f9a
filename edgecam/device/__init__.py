"""The machine itself: its heat and its processor."""
