"""Addresses inside one clinic's panel, `/c/<slug>/…`."""

from __future__ import annotations

from django.urls import reverse

from clinic.models import Clinic


def clinic_url(clinic: Clinic, name: str, *args: object, **kwargs: object) -> str:
    """`reverse` with the clinic's slug put first. Raises NoReverseMatch as `reverse` does."""
    if kwargs:
        return reverse(name, kwargs={"clinic_slug": clinic.slug, **kwargs})
    return reverse(name, args=[clinic.slug, *args])
