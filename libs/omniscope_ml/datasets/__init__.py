"""Tables from upload to training.

`ingest` is the program that turns an uploaded file into a stored one; `gate` refuses what is not
what it says, `read_csv` and `read_parquet` parse, `columns` reduces types to the six that are
stored, `profile` describes every column, and `arrow_file` writes and opens the stored form.
"""
