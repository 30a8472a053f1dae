"""Machine learning without any transport: tables, splits, metrics, packages.

`datasets` reads uploads, stores them as Arrow files and opens these; `schema`, `labels` and
`splits` prepare a table for training; `preprocessing` fits transforms on its training rows;
`metrics` measures held-out rows; `packaging` writes a model folder, `kinds` opens one as a
`predictor`, `pyfunc` hands it to MLflow; `codec` writes dataclasses as JSON and reads them, every
type checked; `errors` holds the one exception that a user can act on.
"""
