"""Words that tell a stranger what a clinic's visits are about. Pure: no Django, no database."""

from __future__ import annotations

import re

from clinic.text import fold

_ENDING = r"[^\W\d_]*"
# Beginnings of words, folded and without half-spaces: «روان‌شناسی» is found by «روانشناس».
_PRIVATE = (
    *("درمان", "رواندرمان", "روانشناس", "روانپزشک", "روانکاو", "روانسنج", "سایک"),
    *("مشاور", "افسرد", "اضطراب", "وسواس", "دوقطبی", "پانیک", "پنیک", "تروما"),
    *("اعتیاد", "ترک مواد", "خودکشی", "خود کشی", "طلاق", "خیانت", "سوگواری", "بیمار", "اختلال"),
    *("تشخیص", "دارو", "بستری", "بیشفعال", "اوتیسم", "اسکیزوفرن", "تراپی"),
    *("therap", "psych", "depress", "anxi", "counsel", "diagnos"),
)
#: Whole words that begin like one of these and say nothing.
HARMLESS = frozenset({"داروخانه", "چراغ", "چراغانی"})


def words_that_begin(beginnings: tuple[str, ...]) -> re.Pattern[str]:
    """Finds words of folded text by these beginnings."""
    longest_first = sorted(beginnings, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))}){_ENDING}")


PRIVATE = words_that_begin(_PRIVATE)
# «روان» alone is a word of its own: «روانه» and «روان‌نویس» are harmless.
MIND = re.compile(r"(?<!\w)روان(?:ی|ها|هایی)?(?!\w)")


def is_private(word: str) -> bool:
    """Whether a single word tells what the visits are about."""
    read = fold(word)
    found = [match for match in PRIVATE.findall(read) if match not in HARMLESS]
    return bool(found) or MIND.search(read) is not None
