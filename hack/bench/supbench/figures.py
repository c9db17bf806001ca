"""What was measured: samples of interleaved rounds, and what they come to."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_DIGITS = 3


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured quantity, a sample a round."""

    name: str
    unit: str
    samples: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.samples:
            raise ValueError(f"{self.name} has no sample")

    @property
    def median(self) -> float:
        """The sample in the middle: one disturbed round does not move it."""
        return statistics.median(self.samples)

    @property
    def low(self) -> float:
        """The smallest sample."""
        return min(self.samples)

    @property
    def high(self) -> float:
        """The largest sample."""
        return max(self.samples)


def build_ratio(name: str, over: Figure, under: Figure, *, unit: str = "times") -> Figure:
    """Return how many times `under` `over` is, round by round: both met the same disturbance."""
    samples = compute_ratios(over.samples, under.samples)
    return Figure(name=name, unit=unit, samples=samples)


def compute_ratios(over: Sequence[float], under: Sequence[float]) -> tuple[float, ...]:
    """Return the ratio of each pair; ValueError when the rounds do not match."""
    return tuple(first / second for first, second in zip(over, under, strict=True))


def format_value(value: float) -> str:
    """Return a number with three significant digits: more would claim what rounds cannot show."""
    if value == 0:
        return "0"
    decimals = _DIGITS - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, decimals)
    return f"{rounded:,.{max(0, decimals)}f}"
