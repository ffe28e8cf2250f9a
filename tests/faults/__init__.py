"""Everything that can fail does, while it is counted what was decided and what has arrived: ``make test-faults``."""
