"""Addresses inside one clinic's panel, `/c/<slug>/…`."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.urls import reverse

from clinic.models import Clinic

#: Stands for a row's number while the address around it is looked for.
_ANY = 9_182_736_455_463


def clinic_url(clinic: Clinic, name: str, *args: object, **kwargs: object) -> str:
    """`reverse` with the clinic's slug put first. Raises NoReverseMatch as `reverse` does."""
    if kwargs:
        return reverse(name, kwargs={"clinic_slug": clinic.slug, **kwargs})
    if len(args) == 1 and type(args[0]) is int and args[0] >= 0:
        before, after = _around(settings.ROOT_URLCONF, clinic.slug, name)
        return f"{before}{args[0]}{after}"
    return reverse(name, args=[clinic.slug, *args])


@lru_cache(maxsize=4096)
def _around(urls: object, slug: str, name: str) -> tuple[str, str]:
    """What stands before and after a row's number. A list asks for hundreds of such addresses, and
    `reverse` would compare each with its pattern anew."""
    before, _, after = reverse(name, args=[slug, _ANY]).rpartition(str(_ANY))
    return before, after
