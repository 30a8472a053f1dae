"""PyTorch Lightning trainings of typed networks.

`spec` is what a training is asked to do, with `options` for how it learns. `trainer` runs it in a
worker's child: `training_table` reads the rows, `data` puts them on the device, `run` drives the
epochs with `module` as what learns, and `results` and `package` write what came of it.
"""
