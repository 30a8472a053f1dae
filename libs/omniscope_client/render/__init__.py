"""The output of the command line: `amounts` words, `tables` lists and results, `training` live."""
