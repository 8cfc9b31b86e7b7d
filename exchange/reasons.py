"""Why a file, or a value in it, is not taken: one text for each code, in the reader's language."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy as _

from clinic.text import persian_digits

#: Why a whole file cannot be read.
FILES: Mapping[str, Promise] = {
    "empty": _("The file is empty."),
    "too_large": _("The file is too large: at most %(megabytes)s MB and %(rows)s rows."),
    "xls": _("This is an old Excel file or one with a password: save it as .xlsx or .csv."),
    "pdf": _("This is a PDF: export the list as .xlsx or .csv."),
    "image": _("This is a picture: export the list as .xlsx or .csv."),
    "html": _("This is a web page saved as a spreadsheet: open it and save it as .xlsx or .csv."),
    "archive": _("This is an archive or another kind of document: save the list as .xlsx or .csv."),
    "binary": _("This is neither an .xlsx nor a .csv file."),
    "damaged": _("The file is damaged: export it again."),
    "encoding": _("The file's text is damaged: export it again as UTF-8."),
    "quotes": _("A quotation mark in row %(row)s is never closed."),
    "no_header": _("No row of headings was found: the list needs %(columns)s."),
    "no_column": _("A column is missing: %(columns)s."),
    "no_rows": _("There are headings and no rows below them."),
}

#: Why a value is not taken.
VALUES: Mapping[str, Promise] = {
    # Any value
    "missing": _("This is missing."),
    "too_long": _("This is too long: at most %(limit)s characters."),
    "spreadsheet_error": _("The spreadsheet shows an error here."),
    # Whole rows
    "example": _("This is the template's example row."),
    "repeats": _("This repeats row %(row)s."),
    # Clients
    "gender": _("Write female, male or other."),
    "email": _("This is no e-mail address."),
    "born_in_future": _("The birth date lies in the future."),
    "born_too_early": _("This would be more than %(years)s years of age."),
    # Phones
    "phone_letters": _("A phone number has digits only."),
    "phone_several": _("There is more than one phone number here: keep the mobile of the client."),
    "phone_rounded": _("The spreadsheet has rounded the number: format the column as text."),
    "phone_too_short": _("This has too few digits for a phone number."),
    "phone_too_long": _("This has too many digits for a phone number."),
    "phone_no_area_code": _("A landline needs its area code."),
    "phone_not_in_use": _("No number begins like this: a digit is missing or too many."),
    # Dates and times
    "date_empty": _("This is missing."),
    "date_not_a_date": _("This is no date: write it like 1405/09/06."),
    "date_not_a_time": _("This is no time of day: write it like 17:30."),
    "date_no_time": _("The time of day is missing: write it like 1405/09/06 17:30."),
    "date_incomplete": _("A date needs day, month and year, like 1405/09/06."),
    "date_short_year": _("Write the year with four digits."),
    "date_year_range": _("This year is neither a Jalali nor a Gregorian one of our time."),
    "date_day_or_month": _("Day and month cannot be told apart: write the year first."),
    "date_no_such_day": _("There is no such day in the calendar."),
    "date_no_such_time": _("The clocks were put forward over this time of day."),
    "date_weekday": _("The day of the week does not fit the date."),
    "too_far": _("This lies too far in the future."),
    # Sessions
    "duration": _("This is no duration: write it in minutes."),
    "duration_range": _("A session lasts from 5 minutes to 12 hours."),
    "ends_before": _("The end is not after the start."),
    "status": _("Write one of: scheduled, confirmed, arrived, attended, did not come, cancelled."),
    "not_yet": _("The session has not started yet."),
    "unknown_file": _("No client has this file number."),
    "deceased": _("The death of this client is recorded; no session can be booked."),
    "no_therapist": _("The therapist is missing, and the client has none of their own."),
    "no_service": _("The service is missing, and the client has none of their own."),
    "differs": _("Row %(row)s has the same session number and another value here."),
    "other_session": _("This session number belongs to another client's session."),
    "same_session": _("This session is already in row %(row)s."),
    "clash_row": _(
        "The therapist has another session then, in row %(row)s: %(when)s. If these clients come"
        " together, give both rows one session number."
    ),
    "clash": _("The therapist has another session then: %(when)s."),
}

#: Added when only the value is left out and the rest of the row is taken.
WITHOUT = _("The row was taken without this value.")


def why(code: str, **params: object) -> str:
    """The reason in the active language, its numbers in the language's digits."""
    return _filled(VALUES[code], params)


def why_without(code: str, **params: object) -> str:
    """As `why`, of a value that is left out while the rest of its row is taken."""
    return f"{why(code, **params)} {WITHOUT}"


def _filled(text: Promise, params: Mapping[str, object]) -> str:
    if not (get_language() or "fa").startswith("fa"):
        return str(text) % params
    digits = {k: persian_digits(v) if isinstance(v, int) else v for k, v in params.items()}
    return str(text) % digits


class UnreadableError(Exception):
    """A file that cannot be read at all; ``str()`` is one clear line in the active language."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(_filled(FILES[code], params))
        self.code = code
        #: Which list it is and the file's name, once they are known.
        self.kind, self.file = "", ""


class ConflictError(Exception):
    """Somebody changed the clinic's data while a list was going in; nothing of it was taken."""

    def __init__(self) -> None:
        super().__init__(
            _("Something changed while the list was going in. Nothing was taken: try again.")
        )
