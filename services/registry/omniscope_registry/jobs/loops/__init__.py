"""What the job system does by itself, again and again."""
