"""Turns tables into matrices for models that take numbers only: fitted once, applied everywhere.

    fitted = Preprocessor(options).fit(frame, features, rows)   # rows: the training rows only
    matrix = fitted.transform(frame)                            # float32, (rows, outputs)
    write_arrays(path, fitted.to_arrays())                      # plain arrays, no pickle
    fitted = FittedPreprocessor.from_arrays(read_arrays(path))

`FeatureSelector` chooses columns before that, by the same rule: fitted on training rows, inside
every fold anew, stored as arrays, applied by one code path in training and prediction.
"""
