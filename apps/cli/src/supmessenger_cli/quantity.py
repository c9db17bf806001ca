"""Kubernetes quantities as numbers."""

_UNITS = {
    "": 1,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}


def parse_quantity(text: str) -> float:
    """Return a quantity such as 512Mi or 250m in its base unit; ValueError for anything else."""
    unit = text.lstrip("0123456789.")
    if unit not in _UNITS:
        raise ValueError(f"{text!r} is no quantity")
    return float(text.removesuffix(unit) if unit else text) * _UNITS[unit]
