"""Phone numbers as people write them, kept in E.164. Pure: no Django, no database.

A number never appears in an error: ``PhoneError`` carries only a reason code.
"""

import re
import unicodedata
from decimal import Decimal, InvalidOperation

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType, ValidationResult

from clinic.text import ascii_digits, persian_digits

REASONS = {
    "empty": "no phone number is given",
    "letters": "a phone number has digits only",
    "several": "more than one phone number in one place",
    "rounded": "the spreadsheet has rounded the number: format the column as text",
    "too_short": "too few digits for a phone number",
    "too_long": "too many digits for a phone number",
    "no_area_code": "a landline needs its area code",
    "not_in_use": "no phone number begins like this: a digit is missing or too many",
}

_MOBILE = re.compile(r"(?:\+98|0098|98)?0?(9[0-9]{9})")
_IRAN = 98
_DIGITS = 10
#: Of a landline without its area code.
_LOCAL_DIGITS = 8
# No operator owns 098…: ten digits like these are 98 and a mobile number that lost two of its own.
_NOT_A_BLOCK = "98"
_FILLERS = re.compile(r"[\s\-‐-―−_.()\[\]/\\'\"`,،]+")
_SEPARATORS = re.compile(r"[/\\,،;؛|\n\r]+|\s+[-–—]\s+|\s+و\s+")
_LABEL = re.compile(r"^(?:tel|phone|mobile|whatsapp)\s*:", re.IGNORECASE)
_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+?[0-9]{1,2}")
_PARSE_REASONS = {
    NumberParseException.TOO_LONG: "too_long",
    NumberParseException.INVALID_COUNTRY_CODE: "not_in_use",
}
_LENGTH_REASONS = {
    ValidationResult.TOO_LONG: "too_long",
    ValidationResult.TOO_SHORT: "too_short",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "too_short",
}
_MOBILE_TYPES = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)


class PhoneError(ValueError):
    """The text is no phone number; ``code`` is a key of ``REASONS``."""

    def __init__(self, code: str) -> None:
        super().__init__(REASONS[code])
        self.code = code


def normalise(raw: object) -> str:
    """The E.164 form of a phone number in any of the ways people and spreadsheets write it.

    Numbers without a country code are Iranian. Landlines with their area code and foreign numbers
    with + or 00 are taken too; see ``is_mobile``. Raises ``PhoneError`` with a reason code.
    """
    text = _plain(raw)
    compact = _compact(text)
    if not compact:
        raise PhoneError("letters" if text else "empty")
    if found := _MOBILE.fullmatch(compact):
        return _iranian_mobile(found[1])
    if _holds_several(text):
        raise PhoneError("several")
    return _other_number(compact)


def is_mobile(e164: str) -> bool:
    """Whether a text message can reach this number."""
    if e164.startswith("+98"):
        return e164.startswith("+989")
    try:
        number = phonenumbers.parse(e164)
    except NumberParseException:
        return False
    return phonenumbers.number_type(number) in _MOBILE_TYPES


def national(e164: str) -> str:
    """The number as dialled in Iran: 09121234567; a foreign one with 00."""
    if e164.startswith("+98"):
        return "0" + e164.removeprefix("+98")
    return e164.replace("+", "00", 1)


def display(e164: str, language: str = "fa") -> str:
    """The number grouped for reading, in Persian digits for ``fa``; written left to right."""
    text = _grouped(e164)
    return persian_digits(text) if language == "fa" else text


def _plain(raw: object) -> str:
    if raw is None or isinstance(raw, bool):
        return ""
    if isinstance(raw, float):
        return str(int(raw)) if raw.is_integer() else "-"
    text = _without_marks(ascii_digits(str(raw))).strip().removeprefix("'")
    return _LABEL.sub("", _from_spreadsheet(text)).strip()


def _without_marks(text: str) -> str:
    return "".join(char for char in text if char.isspace() or unicodedata.category(char) != "Cf")


def _from_spreadsheet(text: str) -> str:
    """A number column written out as a float, 9121234567.0 or 9.121234567E+9."""
    if text.endswith(".0") and text[:-2].isdecimal():
        return text[:-2]
    if not _SCIENTIFIC.fullmatch(text):
        return text
    try:
        value = Decimal(text)
    except InvalidOperation:
        return text
    if len(value.as_tuple().digits) < _DIGITS or value != value.to_integral_value():
        raise PhoneError("rounded")
    return str(int(value))


def _compact(text: str) -> str:
    compact = _FILLERS.sub("", text.replace("＋", "+"))
    # Right-to-left editors leave the plus at the other end.
    if compact.endswith("+") and compact.count("+") == 1:
        compact = "+" + compact[:-1]
    return compact


def _iranian_mobile(subscriber: str) -> str:
    if subscriber.startswith(_NOT_A_BLOCK):
        raise PhoneError("not_in_use")
    return f"+98{subscriber}"


def _holds_several(text: str) -> bool:
    numbers = [
        part
        for part in _SEPARATORS.split(text)
        if len(re.sub(r"[^0-9]", "", part)) >= _LOCAL_DIGITS
    ]
    return len(numbers) > 1


def _other_number(compact: str) -> str:
    if not re.fullmatch(r"\+?[0-9]+", compact):
        raise PhoneError("letters")
    if compact.startswith("00"):
        compact = "+" + compact[2:]
    try:
        number = phonenumbers.parse(compact, "IR")
    except NumberParseException as error:
        raise PhoneError(_PARSE_REASONS.get(error.error_type, "too_short")) from None
    subscriber = str(number.national_number)
    if number.country_code == _IRAN:
        _refuse_not_iranian(subscriber)
    if not phonenumbers.is_valid_number(number):
        length = phonenumbers.is_possible_number_with_reason(number)
        raise PhoneError(_LENGTH_REASONS.get(length, "not_in_use"))
    return f"+{number.country_code}{phonenumbers.national_significant_number(number)}"


def _refuse_not_iranian(subscriber: str) -> None:
    """The library knows Iranian short codes too; a person's number has ten digits."""
    if len(subscriber) == _LOCAL_DIGITS:
        raise PhoneError("no_area_code")
    if len(subscriber) != _DIGITS:
        raise PhoneError("too_short" if len(subscriber) < _DIGITS else "too_long")
    if subscriber.startswith("9"):
        raise PhoneError("not_in_use")


def _grouped(e164: str) -> str:
    number = national(e164)
    if _MOBILE.fullmatch(e164):
        return f"{number[:4]} {number[4:7]} {number[7:]}"
    try:
        parsed = phonenumbers.parse(e164)
    except NumberParseException:
        return e164
    wanted = phonenumbers.PhoneNumberFormat
    kind = wanted.NATIONAL if parsed.country_code == _IRAN else wanted.INTERNATIONAL
    return phonenumbers.format_number(parsed, kind)
