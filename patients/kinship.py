"""Whether two names may be one person's: spelt, spaced, shortened or mistyped otherwise.

Pure functions over names. Strict on purpose: a clinic has many a Karimi, and whoever is shown ten
strangers for each client soon looks at none of them.
"""

from __future__ import annotations

from clinic.text import fold

#: First name and family name, as they stand in a file.
Name = tuple[str, str]

_SHORTEST_MISTYPED = 4
#: Put before a name by some and left out by others.
_TITLES = frozenset(
    fold("سید سیده سادات میرسید حاج حاجی حاجیه کربلایی خانم آقا آقای دکتر مهندس استاد").split()
)
#: Written apart, joined or with a half-space, they belong to the word before.
_ENDINGS = frozenset(fold("زاده زادگان نژاد پور پوران نیا فر فرد خواه پرست دوست السادات").split())
#: What of a double first name people leave out.
_COMPANIONS = frozenset(
    fold("محمد علی امیر رضا حسین حسن مهدی عباس صادق جواد طاها فاطمه زهرا سادات السادات").split()
)
#: One letter apart and yet two names, which brothers and sisters bear.
_TWO_NAMES = tuple(
    frozenset(fold(names).split())
    for names in ("محمد محمود", "پریا پریسا", "مهراد مهرداد", "شیدا شیما", "آرش آرشا", "آرمین آرین")
)
# Letters that sound alike, look alike but for their dots, or are neighbours on a keyboard.
_KINDRED = tuple(
    frozenset(fold(letters).replace(" ", ""))
    for letters in (
        *("ا ع", "ت ط", "ث س ص", "ح ه", "ذ ز ض ظ", "غ ق", "ی ئ"),
        *("ب پ ت ث ن ی", "ج چ ح خ", "د ذ", "ر ز ژ", "س ش", "ص ض", "ط ظ", "ع غ", "ف ق", "ک گ"),
        *("ض ص", "ص ث", "ث ق", "ق ف", "ف غ", "غ ع", "ع ه", "ه خ", "خ ح", "ح ج", "ج چ"),
        *("ش س", "س ی", "ی ب", "ب ل", "ل ا", "ا ت", "ت ن", "ن م", "م ک", "ک گ"),
        *("ظ ط", "ط ز", "ز ر", "ر ذ", "ذ د", "د پ", "پ و"),
    )
)


def words_of(name: Name) -> list[str]:
    """The folded words of a name that tell people apart, titles left out."""
    return [*_words(name[0]), *_words(name[1])]


def is_same(one: Name, other: Name) -> bool:
    """However it is spaced, and whichever part of it stands first."""
    mine, theirs = (fold(" ".join(name)).split() for name in (one, other))
    return sorted(mine) == sorted(theirs) or "".join(mine) == "".join(theirs)


def is_near(one: Name, other: Name) -> bool:
    """One of the two parts agrees, and the other one but for a typo or what people leave out."""
    mine = (_words(one[0]), _words(one[1]))
    theirs = (_words(other[0]), _words(other[1]))
    if not all((*mine, *theirs)):
        return False
    return _fit(mine, theirs) or _fit(mine, theirs[::-1])


def _fit(mine: tuple[list[str], list[str]], theirs: tuple[list[str], list[str]]) -> bool:
    (first, family), (other_first, other_family) = mine, theirs
    if _joined(family) == _joined(other_family):
        return _first_names_alike(first, other_first)
    return _joined(first) == _joined(other_first) and _families_alike(family, other_family)


def _first_names_alike(one: list[str], other: list[str]) -> bool:
    """Also «رضا» for «محمدرضا»: of a double name either half may be what people call somebody."""
    mine, theirs = _joined(one), _joined(other)
    if mine == theirs or _is_half(mine, theirs):
        return True
    # A last letter more makes another name of it: حمید and حمیده, کیان and کیانا.
    longer = mine.startswith(theirs) or theirs.startswith(mine)
    return not longer and {mine, theirs} not in _TWO_NAMES and _is_mistyped(mine, theirs)


def _families_alike(one: list[str], other: list[str]) -> bool:
    """Also «حسینی» for «حسینی طباطبایی»: many leave out where their family comes from."""
    short, long = sorted((one, other), key=len)
    return _is_mistyped(_joined(one), _joined(other)) or long[: len(short)] == short


def _is_half(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    rest = {long.removeprefix(short), long.removesuffix(short)} - {long}
    return not rest.isdisjoint(_COMPANIONS)


def _words(part: str) -> list[str]:
    words: list[str] = []
    for word in fold(part).split():
        if words and word in _ENDINGS:
            words[-1] += word
        elif word not in _TITLES:
            words.append(word)
    return words


def _joined(words: list[str]) -> str:
    return "".join(words)


def _is_mistyped(one: str, other: str) -> bool:
    """A letter missing or doubled, two swapped, or one in the place of a kindred one."""
    short, long = sorted((one, other), key=len)
    if len(short) < _SHORTEST_MISTYPED or len(long) - len(short) > 1:
        return False
    start = next((n for n, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), None)
    if start is None:
        return True
    a, b = short[start:], long[start:]
    if len(a) != len(b):
        return a == b[1:]
    if _ends_in_alef(a) == _ends_in_alef(b):
        return True
    swapped = a[:2] == b[1::-1] and a[2:] == b[2:]
    return swapped or (a[1:] == b[1:] and _are_kindred(a[0], b[0]))


def _are_kindred(one: str, other: str) -> bool:
    return any({one, other} <= letters for letters in _KINDRED)


def _ends_in_alef(word: str) -> str:
    """موسی is written موسا too."""
    return word[:-1] + "ا" if word.endswith("ی") else word
