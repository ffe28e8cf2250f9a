"""Tests of the trainer's room learning."""
