"""Tables from upload to training.

`ingest` is the program that turns an uploaded file into a stored one. `signatures` refuses what
is not what it says, `gate` and `hdf5_gate` what is too large or unsafe; `upload_readers` chooses
one of the `read_...` modules, `columns` reduces types to the six that are stored, `profile`
describes every column and `findings` the table; `arrow_writer` writes the stored form and
`arrow_file` opens it.
"""
