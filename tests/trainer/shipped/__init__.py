"""Tests of the trainer's room shipped."""
