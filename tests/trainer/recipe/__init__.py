"""Tests of the trainer's main job."""
