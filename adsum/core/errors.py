"""The base class of all errors that our own code raises on purpose."""


class AdsumError(Exception):
    """Something a person can put right: `code` for machines, the message says what is wrong and what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
