"""django-allauth's forms in our words: no placeholders in place of labels, any digits in codes."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account import forms as account
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp import forms as totp
from django.utils.translation import gettext_lazy as _

from clinic.text import ascii_digits

_LABELS = {
    "login": _("E-mail"),
    "email": _("E-mail"),
    "password": _("Password"),
    "oldpassword": _("Present password"),
    "password1": _("New password"),
    "password2": _("New password once more"),
    "remember": _("Keep me signed in on this device"),
    "code": _("Code"),
}
PASSWORD_HINT = _("At least 10 characters; a short sentence is easy to remember and hard to guess.")


class Worded:
    """Puts our labels on, and keeps e-mails, passwords and codes left to right."""

    fields: ClassVar[dict[str, Any]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = _LABELS.get(name, field.label)
            field.help_text = PASSWORD_HINT if name == "password1" else ""
            field.widget.attrs.pop("placeholder", None)
            if name != "remember":
                field.widget.attrs["dir"] = "ltr"


class CodeInAnyDigits:
    """An authenticator shows ASCII digits in two groups; a Persian keyboard types others."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        code = self.fields["code"]  # type: ignore[attr-defined]
        code.widget.attrs |= {"inputmode": "numeric", "autofocus": True}
        read = code.to_python
        code.to_python = lambda value: ascii_digits(str(read(value))).replace(" ", "")


class LoginForm(Worded, account.LoginForm):
    pass


class ResetPasswordForm(Worded, account.ResetPasswordForm):
    pass


class ResetPasswordKeyForm(Worded, account.ResetPasswordKeyForm):
    pass


class ChangePasswordForm(Worded, account.ChangePasswordForm):
    pass


class ReauthenticateForm(Worded, account.ReauthenticateForm):
    pass


class ActivateTOTPForm(CodeInAnyDigits, Worded, totp.ActivateTOTPForm):
    pass


class AuthenticateForm(CodeInAnyDigits, Worded, mfa.AuthenticateForm):
    pass


class MfaReauthenticateForm(CodeInAnyDigits, Worded, mfa.ReauthenticateForm):
    pass
