"""Why something typed is no date."""

REASONS = {
    "empty": "nothing is given",
    "not_a_date": "this is no date",
    "not_a_time": "this is no time of day",
    "no_time": "the time of day is missing",
    "incomplete": "a date needs day, month and year",
    "short_year": "write the year with four digits",
    "year_range": "the year is neither a Jalali nor a Gregorian one of our time",
    "day_or_month": "day and month cannot be told apart: write the year first",
    "no_such_day": "there is no such day in the calendar",
    "no_such_time": "the clocks skipped this time of day",
    "weekday": "the day of the week does not fit the date",
}


class DateError(ValueError):
    """What was typed is no date or time; ``code`` is a key of ``REASONS``."""

    def __init__(self, code: str) -> None:
        super().__init__(REASONS[code])
        self.code = code
