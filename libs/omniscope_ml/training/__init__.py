"""The steps of every training on a table, whatever it trains: read, divide, measure, store.

`spec` is what every training's spec begins with, `training_table` reads and divides the rows,
`held_out_rows` measures a model on those held out, `stored_choices` writes down what was chosen.
"""
