"""How pages spell numbers and times."""

from __future__ import annotations

from datetime import datetime, timezone


def counted(number: int, noun: str) -> str:
    """A count and its noun.

    >>> counted(1, "drawing"), counted(8375, "artwork")
    ('1 drawing', '8,375 artworks')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def percent(value: float | None) -> str:
    """A share of 0..1 in percent.

    >>> percent(0.4125), percent(None)
    ('41.2 %', '–')
    """
    return "–" if value is None else f"{100 * value:.1f} %"


def coefficient(value: float | None) -> str:
    """A kappa or an alpha, with a true minus sign.

    >>> coefficient(0.41251), coefficient(-0.031), coefficient(None)
    ('0.413', '−0.031', '–')
    """
    return "–" if value is None else f"{value:.3f}".replace("-", "−")


def duration(seconds: float | None) -> str:
    """Seconds in the units that people use.

    >>> duration(3.24), duration(252), duration(7325), duration(None)
    ('3.2 s', '4 min 12 s', '2 h 2 min', '–')
    """
    if seconds is None:
        return "–"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left} min" if hours else f"{minutes} min {rest} s"


def moment(at: datetime) -> str:
    """An aware time, in UTC.

    >>> moment(datetime(2024, 5, 3, 9, 7, 59, tzinfo=timezone.utc))
    '3 May 2024 09:07'
    """
    return f"{day(at)} {at.astimezone(timezone.utc):%H:%M}"


def day(at: datetime) -> str:
    """The day of an aware time, in UTC.

    >>> day(datetime(2024, 5, 3, 23, 7, tzinfo=timezone.utc))
    '3 May 2024'
    """
    utc = at.astimezone(timezone.utc)
    return f"{utc.day} {utc:%b %Y}"
