"""The calendar: every conversion between an instant, a local day and what people say and type.

Instants are aware datetimes, kept in UTC. Days are Gregorian ``datetime.date`` objects inside the
program and Jalali only in what people read and write. Zones default to Asia/Tehran. No Django is
needed, but when it is configured its active language is the default for what is written.
"""

from clinic.jalali.days import (
    TEHRAN,
    add_months,
    age,
    combine,
    end_of_day,
    gregorian,
    jalali,
    local,
    local_day,
    month_grid,
    start_of_day,
    week_of,
    weekday,
    zone,
)
from clinic.jalali.errors import (
    REASONS,
    DateError,
)
from clinic.jalali.typed import (
    parse_date,
    parse_datetime,
    parse_time,
)
from clinic.jalali.written import (
    day_month,
    day_name_date,
    full_date,
    month_title,
    numeric_date,
    relative,
    relative_day,
    short,
    spoken,
    time,
    weekday_name,
)

__all__ = [
    "REASONS",
    "TEHRAN",
    "DateError",
    "add_months",
    "age",
    "combine",
    "day_month",
    "day_name_date",
    "end_of_day",
    "full_date",
    "gregorian",
    "jalali",
    "local",
    "local_day",
    "month_grid",
    "month_title",
    "numeric_date",
    "parse_date",
    "parse_datetime",
    "parse_time",
    "relative",
    "relative_day",
    "short",
    "spoken",
    "start_of_day",
    "time",
    "week_of",
    "weekday",
    "weekday_name",
    "zone",
]
