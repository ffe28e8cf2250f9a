"""Tests of the trainer's room network."""
