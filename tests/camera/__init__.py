"""Tests of the room camera."""
