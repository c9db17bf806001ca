"""How strong a secret is, told without telling the secret."""

import math
from collections import Counter
from dataclasses import dataclass

# What installations are found with when nobody has changed it.
DEFAULTS = frozenset(
    {
        "admin",
        "guest",
        "password",
        "changeme",
        "change_me",
        "secret",
        "minioadmin",
        "postgres",
        "rabbitmq",
        "redis",
        "sup",
        "sup_password",
        "sup_user",
        "your_password",
        "test",
        "root",
        "default",
        "livekit",
        "devkey",
        "123456",
        "12345678",
    }
)


@dataclass(frozen=True, kw_only=True)
class Strength:
    """Length in characters, and an estimate of its random bits; never the value."""

    length: int
    bits: float
    is_default: bool = False

    def find_fault(self, *, least_length: int, least_bits: float = 100) -> str:
        """Return what is wrong in a few words, or nothing."""
        if self.length == 0:
            return "is empty"
        if self.is_default:
            return "is a well-known default"
        if self.length < least_length:
            return f"has {self.length} characters, of {least_length} or more"
        if self.bits < least_bits:
            return f"looks guessable (about {self.bits:.0f} bits)"
        return ""


def compute_strength(value: str) -> Strength:
    """Measure a secret: letters drawn at random differ, words and repetitions don't."""
    counts, length = Counter(value), len(value)
    entropy = -sum(count / length * math.log2(count / length) for count in counts.values())
    return Strength(
        length=length,
        bits=entropy * length,
        is_default=value.strip().lower() in DEFAULTS,
    )
