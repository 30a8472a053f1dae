"""Networks for tables, spectra, series and small images, one architecture a module.

`architectures` is the table of what there is and what may be chosen, `layout` says how columns
become a tensor, `description` is what a model package stores about a network, and `build` makes
the module. Only `build`, the modules of the architectures and their parts import torch.
"""
