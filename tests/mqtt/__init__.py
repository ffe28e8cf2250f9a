"""Tests of the room mqtt."""
