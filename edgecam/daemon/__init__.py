"""What runs for months: wires the parts, watches them, changes them while frames flow, and stops them."""
