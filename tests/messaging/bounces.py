"""Letters that come back, for tests."""

from messaging.providers.email_tags import tag


def bounce(
    local_id, *, action="failed", status="5.1.1", mark=None, words="Your message was not delivered."
):
    """A delivery status notification as Postfix writes it, with the head of our letter in it."""
    mark = tag(local_id) if mark is None else mark
    return f"""\
Return-Path: <>
From: MAILER-DAEMON@mx.example.org
To: bounces@example.ir
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain; charset=us-ascii

{words}

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
Arrival-Date: Sat, 21 Nov 2026 10:00:00 +0330

Final-Recipient: rfc822; somebody@example.org
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.org
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--B
Content-Type: text/rfc822-headers

From: clinic <no-reply@example.ir>
To: somebody@example.org
Message-ID: <{mark}@example.ir>

--B--
""".replace("\n", "\r\n").encode()
