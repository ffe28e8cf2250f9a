"""Teaches a classifier."""
