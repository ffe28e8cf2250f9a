"""From a source to small images, one after the other."""
