"""Word of jobs within one process; it knows nothing of other machines."""
