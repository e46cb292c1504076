"""Numbers, spans and dates as a person of one language reads them. Absent is a dash."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

ABSENT = "–"
_SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


class Words:
    """Formats for one language. ``units`` is the table [unit] of its texts; times are shown in ``zone``."""

    def __init__(self, units: Mapping[str, str], zone: tzinfo | None = None) -> None:
        self._units = units
        self.zone: tzinfo = zone or UTC

    def number(self, value: float | None, digits: int | None = None) -> str:
        """With thousands separators; ``digits`` after the point, by default as many as three figures need."""
        if value is None:
            return ABSENT
        return f"{value:,.{_digits(value) if digits is None else digits}f}"

    def ms(self, value: float | None) -> str:
        """Milliseconds; from ten seconds on in seconds."""
        if value is None:
            return ABSENT
        return f"{self.number(value / 1000)} s" if value >= 10_000 else f"{self.number(value)} ms"

    def percent(self, share: float | None, digits: int = 1) -> str:
        """A share of 1 as percent."""
        return ABSENT if share is None else f"{share * 100:.{digits}f} %"

    def tokens_per_s(self, value: float | None) -> str:
        """Output or total token throughput."""
        return ABSENT if value is None else f"{self.number(value)} tok/s"

    def size(self, count: int | None) -> str:
        """Bytes in binary units."""
        if count is None:
            return ABSENT
        value, unit = float(count), 0
        while value >= 1024 and unit < len(_SIZES) - 1:
            value, unit = value / 1024, unit + 1
        return f"{self.number(value, 0 if unit == 0 else None)} {_SIZES[unit]}"

    def duration(self, seconds: float | None) -> str:
        """A span in its two largest units."""
        if seconds is None:
            return ABSENT
        if seconds < 10:
            return f"{max(seconds, 0):.1f} {self._units['second']}"
        left, parts = round(seconds), []
        for name, length in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
            count, left = divmod(left, length)
            if count:
                parts.append((name, f"{count} {self._units[name]}"))
        return " ".join(text for _, text in parts[:2])

    def when(self, at: datetime | None) -> str:
        """Date and time to the minute, in the reader's zone."""
        if at is None:
            return ABSENT
        local = at.astimezone(self.zone)
        return f"{self._date(local)} {local:%H:%M}"

    def ago(self, at: datetime | None, now: datetime) -> str:
        """How long ago; beyond a week, the date."""
        if at is None:
            return ABSENT
        seconds = (now - at).total_seconds()
        if seconds >= 7 * 86_400:
            return self._date(at.astimezone(self.zone))
        if seconds < 10:
            return self._units["now"]
        for name, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
            if seconds >= length:
                return self._units["ago"].format(span=f"{int(seconds // length)} {self._units[name]}")
        return self._units["ago"].format(span=f"{int(seconds)} {self._units['second']}")

    def _date(self, local: datetime) -> str:
        month = self._units["months"].split()[local.month - 1]
        return self._units["date"].format(year=local.year, month=month, day=local.day)


def _digits(value: float) -> int:
    size = abs(value)
    if size >= 100 or value == int(value):
        return 0
    return 1 if size >= 10 else 2
