"""Options of preprocessing and feature selection."""

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from omniscope_ml.errors import DataError

Imputation = Literal["mean", "median", "most_frequent", "constant"]
Scaling = Literal["standard", "robust", "none"]
Encoding = Literal["one_hot", "ordinal"]
SelectionMethod = Literal["f_test", "variance"]

SELECTION_METHODS: Final[tuple[SelectionMethod, ...]] = get_args(SelectionMethod)
MOST_CATEGORIES: Final = 256


@dataclass(frozen=True, kw_only=True)
class PreprocessingOptions:
    """How columns become numbers.

    Attributes:
        log1p: Take sign(x) * log(1 + |x|) of every number first, which is log1p of counts.
        imputation: What stands for a missing number: a statistic of the training rows (of the
            smallest value where several are most frequent), or `constant`.
        constant: The number for `constant`, and for columns without any training value.
        indicators: Whether each number that is missing in a training row gets a second column,
            1 where it is missing.
        scaling: `standard`: mean 0 and standard deviation 1. `robust`: median 0 and interquartile
            range 1. Columns that do not vary are only centred.
        encoding: Of texts. `one_hot`: a column for each category and one for all others; where no
            training row has another, they are encoded as the mean of the training rows. `ordinal`:
            one column, categories from 1, 0 for all others.
        min_category_rows: Training rows that a category needs; rarer, new and missing ones are
            the others.
        most_categories: Categories that a column has at most, the most frequent ones; the rest
            are among the others.
    """

    log1p: bool = False
    imputation: Imputation = "median"
    constant: float = 0.0
    indicators: bool = False
    scaling: Scaling = "standard"
    encoding: Encoding = "one_hot"
    min_category_rows: int = 1
    most_categories: int = MOST_CATEGORIES

    def __post_init__(self) -> None:
        _check_allowed("imputation", self.imputation, get_args(Imputation))
        _check_allowed("scaling", self.scaling, get_args(Scaling))
        _check_allowed("encoding", self.encoding, get_args(Encoding))
        if self.min_category_rows < 1:
            raise _invalid("min_category_rows", self.min_category_rows, "1 and more")
        if self.most_categories < 1:
            raise _invalid("most_categories", self.most_categories, "1 and more")


@dataclass(frozen=True, kw_only=True)
class SelectionOptions:
    """How columns are chosen.

    Attributes:
        method: `f_test`: by the univariate F-test against the target (analysis of variance for
            classes, correlation for numbers). `variance`: by variance, without the target.
        top_k: How many numeric columns to keep, at least 1.
    """

    method: SelectionMethod
    top_k: int

    def __post_init__(self) -> None:
        _check_allowed("method", self.method, SELECTION_METHODS)
        if self.top_k < 1:
            raise _invalid("top_k", self.top_k, "1 and more")


def _check_allowed(field: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise _invalid(field, value, ", ".join(allowed))


def _invalid(field: str, value: Any, allowed: str) -> DataError:
    return DataError(
        f"{field} is {value!r}; allowed are {allowed}", reason="FIELD_INVALID", field=field
    )
