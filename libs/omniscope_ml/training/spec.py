"""The part of a training's spec by which its rows are read, divided and measured."""

from typing import Literal, Protocol

from omniscope_ml.preprocessing.options import SelectionMethod
from omniscope_ml.splits.plan import Strategy

ProblemType = Literal["binary", "multiclass", "regression"]


class TableSpec(Protocol):
    """The part of every training's spec that is about its table."""

    @property
    def target_column(self) -> str:
        """Column to predict."""
        ...

    @property
    def feature_columns(self) -> tuple[str, ...]:
        """Columns to predict from; never empty."""
        ...

    @property
    def problem_type(self) -> ProblemType:
        """`binary`, `multiclass` or `regression`."""
        ...

    @property
    def positive_class(self) -> str | None:
        """Class that binary metrics call positive, as text; None for other problems."""
        ...

    @property
    def key_column(self) -> str | None:
        """Column that names rows; None when there is none."""
        ...

    @property
    def weight_column(self) -> str | None:
        """Column with the weight of each row; None when rows weigh the same."""
        ...

    @property
    def split_strategy(self) -> Strategy:
        """How rows are divided."""
        ...

    @property
    def split_column(self) -> str | None:
        """Column with the group, time or part of each row; None for other strategies."""
        ...

    @property
    def split_seed(self) -> int:
        """Seed of the division."""
        ...

    @property
    def test_fraction(self) -> float:
        """Share of the rows that no training sees; not used by `predefined`."""
        ...

    @property
    def validation_fraction(self) -> float | None:
        """Share of the training rows that validates; None leaves it open."""
        ...

    @property
    def folds(self) -> int | None:
        """Folds of the training rows that validate; None leaves it open."""
        ...

    @property
    def selection_method(self) -> SelectionMethod | None:
        """Method that ranks columns; None keeps all."""
        ...

    @property
    def selection_top_k(self) -> int | None:
        """How many numeric columns to keep; None keeps all."""
        ...
