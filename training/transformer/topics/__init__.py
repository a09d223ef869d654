"""Teaches a finished run of the transformer to name topics and moods, and changes nothing else."""
