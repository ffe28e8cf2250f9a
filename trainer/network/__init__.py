"""Backbones, their weights, and the classifier that is put on one."""
