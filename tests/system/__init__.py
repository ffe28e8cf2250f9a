"""Tests that boot machines and install edgecam on them: make test-system."""
