"""Five-field schedules: when they run, as far as judging a backup needs it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice, pairwise

# Minutes, hours, days of the month, months, days of the week (7 is Sunday as well).
CRON_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAMES = {
    **{name: number for number, name in enumerate(_MONTHS, start=1)},
    **{name: number for number, name in enumerate(_WEEKDAYS)},
}
CRON_NAMES = frozenset(_NAMES)
# Enough runs to meet a weekend, enough days to meet a yearly one twice.
_RUNS = 12
_MOST_DAYS = 2 * 366


def compute_longest_gap(schedule: str, *, now: datetime) -> timedelta | None:
    """Return the longest time between two of the last runs; None when it hardly ever runs.

    The time zone of the schedule shifts all runs alike and so does not matter.
    """
    runs = islice(_iterate_back(schedule, now=now), _RUNS)
    return max((later - earlier for later, earlier in pairwise(runs)), default=None)


def _iterate_back(schedule: str, *, now: datetime) -> Iterator[datetime]:
    fields = [
        _parse_field(part, low, high)
        for part, (low, high) in zip(schedule.lower().split(), CRON_RANGES, strict=True)
    ]
    minutes, hours, days, months, weekdays = fields
    day_part, weekday_part = schedule.split()[2], schedule.split()[4]
    # As cron has it: two restrictions of the day are joined by "or".
    is_either = not (day_part.startswith(("*", "?")) or weekday_part.startswith(("*", "?")))
    for back in range(_MOST_DAYS):
        date = now - timedelta(days=back)
        by_day, by_weekday = date.day in days, date.isoweekday() % 7 in {n % 7 for n in weekdays}
        if date.month not in months:
            continue
        if not (by_day or by_weekday if is_either else by_day and by_weekday):
            continue
        for hour in sorted(hours, reverse=True):
            for minute in sorted(minutes, reverse=True):
                run = date.replace(hour=hour, minute=minute, second=0, microsecond=0)
                if run <= now:
                    yield run


def _parse_field(part: str, low: int, high: int) -> frozenset[int]:
    """Return the numbers a field stands for; what can't be was refused with the resource."""
    numbers: set[int] = set()
    for item in part.split(","):
        span, _, step = item.partition("/")
        if span in ("*", "?"):
            first, last = low, high
        else:
            bounds = [_NAMES[bound] if bound in _NAMES else int(bound) for bound in span.split("-")]
            first = bounds[0]
            last = bounds[-1] if len(bounds) > 1 or not step else high
        numbers.update(range(first, last + 1, int(step or 1)))
    return frozenset(numbers)
