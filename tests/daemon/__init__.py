"""Tests of the room daemon."""
