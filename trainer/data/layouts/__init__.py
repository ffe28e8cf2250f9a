"""How others lay out photographs and their labels, a file a layout, and which layout a folder has."""
