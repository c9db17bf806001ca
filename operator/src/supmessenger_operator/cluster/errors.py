"""Answers of the API server that the caller decides about."""


class AlreadyExists(Exception):
    """An object of that name is there; whoever creates decides whether to adopt it."""


class Conflict(Exception):
    """Somebody else wrote in between; read again."""
