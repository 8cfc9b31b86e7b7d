"""Letters of the panel itself: an invitation, in text and HTML."""

from __future__ import annotations

import smtplib
from typing import Any

import structlog
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

log = structlog.get_logger(__name__)


def send(template: str, to: str, context: dict[str, Any]) -> bool:
    """Send `clinic/email/<template>_{subject,message}`; False when the mail server refused.

    The caller always has another way to hand the link over, so a dead mail server is no error.
    """
    subject = " ".join(render_to_string(f"clinic/email/{template}_subject.txt", context).split())
    letter = EmailMultiAlternatives(
        subject, render_to_string(f"clinic/email/{template}_message.txt", context), to=[to]
    )
    html = render_to_string(f"clinic/email/{template}_message.html", context)
    letter.attach_alternative(html, "text/html")
    try:
        return bool(letter.send())
    except (smtplib.SMTPException, OSError) as error:
        log.warning("mail_not_sent", template=template, error=type(error).__name__)
        return False
