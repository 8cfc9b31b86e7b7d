"""Words after which a person has to look at once. Pure: no model, nothing leaves this machine.

A list of words finds neither everything nor only what is meant; it decides nothing but who looks
first. What it misses is read with the rest.
"""

from __future__ import annotations

import re

from clinic.text import fold

#: As people write them; spaces and half-spaces inside may be there or not.
PHRASES = (
    # Not wanting to live
    *("خود کشی", "خود را بکشم", "خودم را بکشم", "خودمو بکشم", "خودم رو بکشم", "بکشم خودم"),
    *("خودم را می کشم", "خودمو می کشم", "خودم رو می کشم", "کشتن خودم", "خودم را کشتن"),
    *("بمیرم", "مردن", "آرزوی مرگ", "به فکر مرگ", "فکر مرگ", "مرگم"),
    *("نمی خواهم زنده", "نمی خوام زنده", "نمیخام زنده", "زنده نباشم", "زنده نمانم", "زنده نمونم"),
    *("پایان زندگی", "پایان دادن به زندگی", "به زندگی ام پایان", "به زندگیم پایان"),
    *("زندگی ام را تمام", "زندگیم را تمام", "زندگیمو تموم", "زندگیم رو تموم", "تمامش کنم"),
    *("تمومش کنم", "دیگر نباشم", "دیگه نباشم", "دلیلی برای زندگی ندارم", "امیدی به زندگی ندارم"),
    # Harming oneself or others
    *("خودزنی", "خود زنی", "خودآزاری", "به خودم آسیب", "به خود آسیب", "آسیب به خودم"),
    *("آسیب زدن به خود", "رگم را", "رگمو", "رگ دستم", "رگ خودم", "قرص برنج", "دار بزنم"),
    *("بکشمش", "می کشمش", "به او آسیب بزنم", "بهش آسیب بزنم"),
    # Being harmed
    *("تجاوز", "آزار جنسی", "تعرض", "دست درازی", "سوء استفاده", "سواستفاده", "کتک", "تهدید"),
    *("لمسم کرد", "خشونت"),
    # In Latin letters
    *("khodkoshi", "khod koshi", "bemiram", "suicide", "suicidal", "kill myself", "killing myself"),
    *("end my life", "want to die", "wanna die", "better off dead", "self harm", "selfharm"),
    *("self-harm", "hurt myself", "harm myself", "cut myself", "abused", "abuse", "assault"),
    *("raped", "threatened"),
)


def _pattern(phrase: str) -> str:
    return r"\s*".join(map(re.escape, fold(phrase).split()))


_WORRYING = re.compile("|".join(dict.fromkeys(map(_pattern, PHRASES))))


def worrying(text: str) -> bool:
    """Whether somebody should read this now."""
    return _WORRYING.search(fold(text)) is not None
