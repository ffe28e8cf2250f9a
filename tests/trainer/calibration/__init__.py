"""Tests of `trainer.calibration`."""
