"""The errors that a user can cause; each message is one line that says what to change."""


class HnlstatError(Exception):
    """Base of all errors that are reported as one line; `status` is the exit status."""

    status = 2

    def __str__(self) -> str:
        return " ".join(super().__str__().split())  # values that are quoted may have line breaks


class ConfigError(HnlstatError):
    """A configuration that cannot be run: names the key, the value and what would be right."""


class DataError(HnlstatError):
    """A table or file that cannot be used: names the file, the row or column, and the reason."""


class InferenceError(HnlstatError):
    """A likelihood or limit that cannot be evaluated: names the channel or point and the reason."""


class OutputError(HnlstatError):
    """A run folder or file that cannot be written."""


class StoreError(HnlstatError):
    """A store of results, or an entry of it, that cannot be used."""


class SweepError(HnlstatError):
    """Jobs of a sweep that failed, while others did not."""

    status = 1


NUMERICAL_ERRORS = ArithmeticError, ValueError, RuntimeError, MemoryError
"""What calculations raise on numbers that nobody thought of; singular matrices are among them."""
