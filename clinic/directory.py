"""Public tokens: how a link or a callback finds its clinic."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Collection

from django.utils.crypto import salted_hmac

from clinic.models import Directory
from clinic.tenancy import current_clinic_id


def new_token() -> str:
    """An unguessable token of 192 bits, URL-safe."""
    return secrets.token_urlsafe(24)


def derived_token(*parts: object) -> str:
    """A secret that can be shown again at any time: derived from the installation's key."""
    value = "/".join(str(part) for part in parts)
    return salted_hmac("peygir.directory", value, algorithm="sha256").hexdigest()[:40]


def short_token(*parts: object) -> str:
    """A derived token for a text message: 80 bits in 16 letters and digits that cannot be mixed up.

    Derived and not drawn, so that a text written twice carries the same address both times.
    """
    value = "/".join(str(part) for part in parts)
    digest = salted_hmac("peygir.links", value, algorithm="sha256").digest()
    return base64.b32encode(digest[:10]).decode().lower()


def token_hash(token: str) -> str:
    return hashlib.sha256(f"{token}".encode()).hexdigest()


def publish(token: str, purpose: Directory.Purpose) -> str:
    """Register a token of the clinic in scope; returns its hash. Repeating it changes nothing."""
    digest = token_hash(token)
    Directory.objects.get_or_create(
        token_hash=digest, defaults={"clinic_id": current_clinic_id(), "purpose": purpose}
    )
    return digest


def withdraw(digest: str) -> None:
    Directory.objects.filter(token_hash=digest, clinic_id=current_clinic_id()).delete()


def whose(token: str, purposes: Collection[str]) -> tuple[int, str] | None:
    """The clinic's id behind a token of any of these purposes, and which; or None, as `resolve`."""
    found = Directory.objects.filter(token_hash=token_hash(token), purpose__in=purposes)
    return found.values_list("clinic_id", "purpose").first()


def resolve(token: str, purpose: Directory.Purpose) -> int | None:
    """The clinic's id behind a token, or None. Takes the same path for every wrong token."""
    return (
        Directory.objects.filter(token_hash=token_hash(token), purpose=purpose)
        .values_list("clinic_id", flat=True)
        .first()
    )
