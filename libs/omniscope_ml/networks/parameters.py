"""The parameters of an architecture: names, defaults, ranges, and the check of choices."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omniscope_ml.errors import DataError

FIELD = "parameters"

Value = int | float | bool


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One thing that may be chosen.

    Attributes:
        name: Its name in requests.
        description: What it does, in a sentence.
        default: What it is when a request does not say; its type is the parameter's.
        minimum: Smallest value; False for a switch.
        maximum: Largest value; True for a switch.
    """

    name: str
    description: str
    default: Value
    minimum: Value
    maximum: Value

    @property
    def type(self) -> str:
        """`bool`, `int` or `float`."""
        return type(self.default).__name__

    def checked(self, value: Any) -> Value:
        """Return a value of the parameter's type.

        Raises:
            DataError: FIELD_INVALID.
        """
        if self.type == "bool" and isinstance(value, bool):
            return value
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        whole = number and float(value).is_integer()
        fits = whole if self.type == "int" else number and self.type == "float"
        if not fits or not self.minimum <= value <= self.maximum:
            raise self._refused(value)
        return int(value) if self.type == "int" else float(value)

    def _refused(self, value: Any) -> DataError:
        allowed = "true and false"
        if self.type != "bool":
            allowed = f"{self.type} from {self.minimum:g} to {self.maximum:g}"
        return DataError(
            f"{FIELD}.{self.name} is {value!r}; allowed is {allowed}",
            reason="FIELD_INVALID",
            field=f"{FIELD}.{self.name}",
        )


def resolved(
    known: tuple[Parameter, ...], given: Mapping[str, Any], owner: str
) -> dict[str, Value]:
    """Return a value for every parameter: the one given, or the default.

    Args:
        known: The parameters.
        given: What a request says, by name.
        owner: What they belong to, for messages.

    Raises:
        DataError: FIELD_INVALID, naming the parameter.
    """
    by_name = {parameter.name: parameter for parameter in known}
    for name in given:
        if name not in by_name:
            raise DataError(
                f"{FIELD}.{name} is unknown; {owner} has {', '.join(by_name)}",
                reason="FIELD_INVALID",
                field=f"{FIELD}.{name}",
            )
    return {
        name: parameter.checked(given.get(name, parameter.default))
        for name, parameter in by_name.items()
    }
