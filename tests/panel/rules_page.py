"""The page of one rule: its form as a person fills it."""

import datetime as dt
import re
from html import unescape

from clinic import jalali
from clinic.tenancy import Hat, wear
from followup.models import Rule
from tests.factories import (
    SessionFactory,
)

PATH = "/c/mehr/settings/texts/"
OPENED = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def rule_of(clinic, key="reminder_24h"):
    return Rule.objects.get(clinic=clinic, key=key)


def book(clinic, starts, **fields):
    starts_at, booked_at = jalali.parse_datetime(starts), OPENED + dt.timedelta(days=1)
    with wear(Hat.OWNER, clinic_id=clinic.pk):
        return SessionFactory(clinic=clinic, starts_at=starts_at, booked_at=booked_at, **fields)


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", unescape(response.content.decode())))


def html_of(response):
    return unescape(response.content.decode())


#: The form as the page fills it, by kind.
NUMBERS = {
    "reminder_24h": {
        "offset_minutes": "24", "offset_minutes_unit": "60",
        "notice_minutes": "24", "notice_minutes_unit": "60",
        "useful_minutes": "3", "useful_minutes_unit": "60",
        "spread_minutes": "10",
    },
    "thank_you": {
        "offset_minutes": "0", "offset_minutes_unit": "60",
        "notice_minutes": "2", "notice_minutes_unit": "1440",
        "useful_minutes": "2", "useful_minutes_unit": "1440",
    },
    "no_next_booking": {
        "offset_minutes": "2", "offset_minutes_unit": "1440",
        "useful_minutes": "6", "useful_minutes_unit": "1440",
    },
    "silent_1": {"factor": "1", "floor_days": "0"},
    "silent_2": {"factor": "2", "floor_days": "45"},
    "silent_3": {
        "factor": "4", "floor_days": "90", "useful_minutes": "30", "useful_minutes_unit": "1440",
    },
    "motivation_gap": {"factor": "1.5", "useful_minutes": "2", "useful_minutes_unit": "1440"},
}  # fmt: skip


def form(key="reminder_24h", **typed):
    return {"audience": "all", "channel": "sms", **NUMBERS[key], **typed}


def ask(browser, rule, step="look", **typed):
    return browser.post(f"{PATH}{rule.pk}/", {**form(rule.key, **typed), "step": step})


def save(browser, rule, **typed):
    """What a person does: looks, and saves what was looked at."""
    looked = html_of(ask(browser, rule, **typed))
    seen = re.search(r'name="seen" value="(\w+)"', looked)[1]
    return ask(browser, rule, "save", seen=seen, **typed)
