"""How sure a classifier may be: calibrated scores, thresholds, and how it fares with what it was not made for."""
