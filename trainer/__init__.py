"""From photographs to a model that edgecam runs.

Needs the ``trainer`` extra (TensorFlow); the daemon never imports this package.
"""
