"""What the command line shows: `amounts` words, `tables` lists and results, `training` live."""
