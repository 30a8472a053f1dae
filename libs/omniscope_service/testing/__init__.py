"""Real parts for tests: a service on a free port, its tokens, and channels to it."""
