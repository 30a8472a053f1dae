"""The formats that an upload may have, as they are named in a request."""

FORMATS = ("csv", "csv.gz", "tsv", "tsv.gz", "parquet", "arrow", "h5ad")

EXPORT_FORMATS = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.file",
}
"""Formats that a dataset can be had in, with their media types."""

SUFFIXES = {
    ".csv": "csv",
    ".csv.gz": "csv.gz",
    ".tsv": "tsv",
    ".tsv.gz": "tsv.gz",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".h5ad": "h5ad",
}
"""Format by the end of a file's name, in lower case."""


def split_suffix(name: str) -> tuple[str, str | None]:
    """Return a file's name without its suffix, and the format that the suffix stands for."""
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)], SUFFIXES[suffix]
    return name, None
