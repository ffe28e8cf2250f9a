"""Tests of the trainer; those that need TensorFlow run with ``make test-trainer``."""
