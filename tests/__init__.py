"""Tests of behaviour, with real parts: models, brokers, clips, processes."""
