"""How rows are to be divided: small enough to be stored with a job and repeated by its seed."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from omniscope_ml.errors import DataError

Strategy = Literal["random", "stratified", "group", "time", "predefined"]

STRATEGIES: Final[tuple[Strategy, ...]] = get_args(Strategy)


@dataclass(frozen=True, kw_only=True)
class SplitPlan:
    """A division of rows; the same plan and table give the same parts.

    Attributes:
        strategy: `random`: uniformly. `stratified`: every part has all classes in proportion.
            `group`: rows that share a group stay together, classes in proportion as far as whole
            groups allow. `time`: the newest rows are held out, and every fold validates on rows
            that are newer than those it trains on. `predefined`: a column says it, folds included.
        test_fraction: Share of the rows to hold out, above 0 and below 1; not used by
            `predefined`.
        seed: Seed of what is random.
        validation_fraction: Share of the training rows to validate on; None: no single part.
        folds: Number of validation folds of the training rows, at least 2; None: no folds.

    Raises:
        DataError: FIELD_INVALID when a share is no share, folds are fewer than 2, or more than
            one of validation fraction, folds and predefined rows says what validates.
    """

    strategy: Strategy
    test_fraction: float
    seed: int
    validation_fraction: float | None = None
    folds: int | None = None

    def __post_init__(self) -> None:
        _check_share("split.test_fraction", self.test_fraction)
        if self.validation_fraction is not None:
            _check_share("split.validation_fraction", self.validation_fraction)
        if self.folds is not None and self.folds < 2:
            raise _invalid("split.folds", f"split.folds is {self.folds}; it must be at least 2")
        if self.folds is not None and self.validation_fraction is not None:
            raise _invalid(
                "split.folds", "split.folds and split.validation_fraction exclude each other"
            )
        if self.strategy == "predefined" and (self.folds or self.validation_fraction):
            field = "split.folds" if self.folds else "split.validation_fraction"
            raise _invalid(field, f"{field} cannot be set where a column says what validates")


def _check_share(field: str, share: float) -> None:
    if not 0 < share < 1:
        raise _invalid(field, f"{field} is {share:g}; it must be above 0 and below 1")


def _invalid(field: str, message: str) -> DataError:
    return DataError(message, reason="FIELD_INVALID", field=field)
