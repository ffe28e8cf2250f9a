"""Rubbish for everything that reads what others wrote: ``make fuzz MINUTES=10``."""
