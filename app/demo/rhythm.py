"""How busy an hour is: a day's and a week's rhythm in local time."""

from app.demo.window import TICKS_PER_HOUR, weekday_of

_HOURS = (6, 4, 3, 3, 4, 7, 14, 30, 62, 90, 100, 97, 84, 90, 98, 95, 82, 62, 42, 32, 26, 20, 14, 9)
_WEEKDAYS = (96, 100, 100, 98, 88, 34, 28)  # from Monday
_MEAN = sum(_HOURS) * sum(_WEEKDAYS) / (24 * 7)
_LEVELS = tuple(tuple(weekday * hour / _MEAN for hour in _HOURS) for weekday in _WEEKDAYS)


def level(ticks: int, utc_offset: int) -> float:
    """Tell how busy the hour around an instant is where clocks are `utc_offset` hours ahead; a week's mean is 1."""
    local = ticks + utc_offset * TICKS_PER_HOUR
    return _LEVELS[weekday_of(local)][local // TICKS_PER_HOUR % 24]


def after_work(ticks: int, work: float, utc_offset: int) -> int:
    """Find the instant by which so many ticks of average activity have passed: soon by day, late by night."""
    while True:
        rate = level(ticks, utc_offset)
        left = TICKS_PER_HOUR - ticks % TICKS_PER_HOUR
        if work <= left * rate:
            return ticks + int(work / rate)
        work -= left * rate
        ticks += left
