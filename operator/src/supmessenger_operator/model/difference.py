"""Which fields of an object changed, for the Event that announces it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MOST_FIELDS = 5


def find_changed_fields(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> tuple[str, ...]:
    """Return paths such as `Deployment/demo-api spec.replicas`, at most a handful."""
    old, new = _by_identity(before), _by_identity(after)
    found: list[str] = []
    for identity in sorted(old.keys() | new.keys()):
        if identity not in old:
            found.append(f"{identity} (new)")
        elif identity not in new:
            found.append(f"{identity} (removed)")
        else:
            found += [f"{identity} {path}" for path in _compare(old[identity], new[identity], "")]
    if len(found) > MOST_FIELDS:
        return (*found[:MOST_FIELDS], f"and {len(found) - MOST_FIELDS} more")
    return tuple(found)


def _by_identity(bodies: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {f"{body['kind']}/{body['metadata']['name']}": body for body in bodies}


def _compare(old: Any, new: Any, path: str) -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            yield from _compare(old.get(key), new.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            label = one.get("name", index) if isinstance(one, Mapping) else index
            yield from _compare(one, other, f"{path}[{label}]")
    elif old != new:
        yield path
