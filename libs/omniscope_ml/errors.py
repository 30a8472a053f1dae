"""The one exception of this package that a user can act on."""


class DataError(ValueError):
    """Data or a request that cannot be worked with, told so that a person can repair it.

    Attributes:
        reason: Stable UPPER_SNAKE constant, part of the API.
        field: Path of the request field that is to blame; empty when there is none.
        message: One sentence naming the bad value and what is allowed.
    """

    def __init__(self, message: str, *, reason: str, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.field = field

    def __reduce__(self) -> tuple[object, ...]:
        """Keep reason and field across processes, which a plain exception would lose."""
        return _rebuild, (self.message, self.reason, self.field)


def _rebuild(message: str, reason: str, field: str) -> DataError:
    return DataError(message, reason=reason, field=field)
