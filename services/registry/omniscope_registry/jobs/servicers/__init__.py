"""The RPCs of jobs, and the checks of what they are sent."""
