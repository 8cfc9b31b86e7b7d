"""Secrets at rest: encrypted in the database, readable only with the installation's key."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import models


def _cipher() -> Fernet:
    digest = hashlib.sha256(b"peygir.secrets" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


class SecretField(models.TextField[str, str]):
    """Text that is encrypted when written and decrypted when read.

    After a change of SECRET_KEY the old value cannot be read; it then reads as empty, so that the
    panel asks for the key again instead of failing on every page.
    """

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return _cipher().encrypt(value.encode()).decode() if value else ""

    def from_db_value(self, value: str | None, *_: Any) -> str:
        try:
            return _cipher().decrypt(value.encode()).decode() if value else ""
        except InvalidToken:
            return ""
