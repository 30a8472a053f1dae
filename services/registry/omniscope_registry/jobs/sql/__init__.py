"""Where the job system keeps what it knows: statements and transactions."""
