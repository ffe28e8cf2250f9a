"""Tests of the trainer's room data."""
