"""The formats that an upload may have, as they are named in a request."""

FORMATS = ("csv", "csv.gz", "tsv", "tsv.gz", "parquet", "arrow", "h5ad")
