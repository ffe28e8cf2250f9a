"""Tests of the room device."""
