"""Which component a person means."""

from collections.abc import Iterable

from supmessenger_cli.terminal import WrongUse

# The words of the seed and of people, beside our own.
ALIASES = {
    "main-api": "api",
    "nginx": "edge",
    "minio": "object-storage",
    "coturn": "turn",
    "redis": "redis-cache",
    "migrate": "migrations",
}


def choose_component(word: str, known: Iterable[str]) -> str:
    """Return the component; WrongUse names those there are."""
    names = sorted(set(known))
    component = word if word in names else ALIASES.get(word, word)
    if component not in names:
        raise WrongUse(f"there is no component {word!r} here; there are {', '.join(names)}")
    return component
