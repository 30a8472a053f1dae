"""Loops of the job system: tasks that it repeats by itself."""
