"""The one error that a person is meant to read."""


class Failure(Exception):
    """Something a person must act on; the message says what to do."""
