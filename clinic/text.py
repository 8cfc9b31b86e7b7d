"""Persian text as people type it: cleaned for keeping, folded for finding, keyed for sorting.

Pure functions over strings: no Django, no database. None of them raises on any ``str``; cleaning
what is clean and folding what is folded changes nothing.
"""

import re
import unicodedata

ZWNJ = "\u200c"
_ZWJ = "\u200d"
_ARABIC = "\u0620-\u064a\u066e-\u06d3\u06d5\u06fa-\u06fc"

_PERSIAN_DIGITS = str.maketrans("0123456789٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹" * 2)
_ARABIC_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹")

# Letters of Arabic keyboards and of old fonts that a Persian reader takes for his own.
_TO_PERSIAN = str.maketrans({"ي": "ی", "ى": "ی", "ې": "ی", "ك": "ک", "ڪ": "ک", "ہ": "ه", "ھ": "ه"})
# One spelling for what people write either way: رضائی/رضایی, مسؤول/مسوول, فاطمة/فاطمه.
_TO_ONE_SPELLING = str.maketrans(
    {"أ": "ا", "إ": "ا", "ٱ": "ا", "ئ": "ی", "ؤ": "و", "ة": "ه", "ە": "ه", "ء": None, "ـ": None}
)

_ALPHABET = "آابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی"
# 33 code points between the digits and the Latin small letters: Persian names come before
# Latin ones, and a plain byte comparison, all that C.UTF-8 knows, gives the dictionary's order.
_SORT_RANKS = str.maketrans({letter: chr(0x40 + n) for n, letter in enumerate(_ALPHABET)})

_OTHER_DIGITS = re.compile(r"[^\D0-9]")
_SPACES = re.compile(r"\s+")
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_PRESENTATION_FORMS = re.compile("[\ufb50-\ufbff\ufe70-\ufefc]+")
_JOINERS = f"{ZWNJ}{_ZWJ}\u200b\u00ad"
# Half-spaces as word processors and the Windows-1256 keyboard leave them behind.
_BROKEN_ZWNJ = re.compile(f"(?<=[{_ARABIC}])[{ZWNJ}{_ZWJ}\u200b\u00ac\u00ad]+(?=[{_ARABIC}])")
_EXTRA_ZWNJ = re.compile(f"(?<=[\\s{ZWNJ}]){ZWNJ}+|^{ZWNJ}+|{ZWNJ}+(?=\\s|$)")


def ascii_digits(text: str) -> str:
    """Every decimal digit of any script as 0-9; everything else as it was."""
    return _OTHER_DIGITS.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)


def persian_digits(value: object) -> str:
    """``str(value)`` with ASCII and Arabic digits written ۰-۹."""
    return str(value).translate(_PERSIAN_DIGITS)


def clean(text: str, *, lines: bool = False) -> str:
    """What somebody typed, as it should be kept.

    Arabic ي and ك become Persian, Arabic digits Persian ones (Latin digits stay as typed), letters
    of old fonts whole letters; bidi marks and control characters go; spaces collapse; half-spaces
    stay, and broken or useless ones are mended. With ``lines`` line breaks are kept.
    """
    text = _LINE_ENDS.sub("\n", text)
    kept = (_clean_line(line) for line in text.split("\n"))
    return "\n".join(kept).strip("\n") if lines else _join_words(" ".join(kept))


def fold(text: str) -> str:
    """The form in which two spellings of one word are equal: for search, matching and headers.

    Digits become ASCII; ي ك and their relatives Persian; آ أ إ ٱ all become ا, ة becomes ه, ئ ی,
    ؤ و, and a lone hamza goes: whoever searches seldom types them, and no two names of one clinic
    differ by them alone. Diacritics, tatweel, half-spaces and bidi marks go, spaces collapse,
    Latin is case-folded and loses its accents.
    """
    if text.isascii() and text.isprintable():  # most cells of most lists
        return " ".join(text.lower().split())
    return " ".join(_fold_letters(text, keep_madda=False).split())


def sort_key(text: str) -> str:
    """A key whose byte order is the order of a Persian dictionary.

    پ چ ژ ک گ و ه ی stand in their places and آ before ا; digits come first and Latin last;
    punctuation, diacritics and half-spaces weigh nothing. Equal keys mean equal to the ear:
    order by the primary key behind it.
    """
    folded = _fold_letters(text, keep_madda=True)
    words = "".join(char if char.isalnum() else " " if char.isspace() else "" for char in folded)
    return " ".join(words.translate(_SORT_RANKS).split())


def _clean_line(text: str) -> str:
    """Clean until nothing changes: what goes may let the letters beside it meet."""
    while (cleaned := _clean_once(text)) != text:
        text = cleaned
    return cleaned


def _clean_once(text: str) -> str:
    text = _PRESENTATION_FORMS.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    text = "".join(char for char in text if char in _JOINERS or not _is_noise(char))
    # Letters are put together before they are looked at: a typed ی with a hamza is one ئ.
    text = unicodedata.normalize("NFC", text).translate(_TO_PERSIAN).translate(_ARABIC_DIGITS)
    text = _BROKEN_ZWNJ.sub(ZWNJ, text)
    text = "".join(char for char in text if char in (ZWNJ, _ZWJ) or not _is_noise(char))
    return _join_words(unicodedata.normalize("NFC", text))


def _join_words(text: str) -> str:
    return _SPACES.sub(" ", _EXTRA_ZWNJ.sub("", text)).strip()


def _is_noise(char: str) -> bool:
    """Bidi marks, controls and half surrogates."""
    return not char.isspace() and unicodedata.category(char) in ("Cc", "Cf", "Cs")


def _fold_letters(text: str, *, keep_madda: bool) -> str:
    """Fold until nothing changes: case folding and decomposition feed each other."""
    while (folded := _fold_once(text, keep_madda=keep_madda)) != text:
        text = folded
    return folded


def _fold_once(text: str, *, keep_madda: bool) -> str:
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    if keep_madda:
        text = text.replace("\u0627\u0653", "\u0622")
    text = ascii_digits("".join(char for char in text if _is_letter_like(char)))
    return text.translate(_TO_PERSIAN).translate(_TO_ONE_SPELLING)


def _is_letter_like(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) not in ("Mn", "Me", "Cc", "Cf", "Cs")
