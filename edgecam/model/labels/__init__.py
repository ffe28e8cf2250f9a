"""Labels as people have them: where they lie, and in which formats."""
