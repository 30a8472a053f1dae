"""One module per claim; `python -m benchmarks [NAME ...]` runs them and prints one line each."""
