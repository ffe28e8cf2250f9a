"""Tests of the pictures that ship with the trainer, and of the command that makes them."""
