import datetime as dt

from clinic.tenancy import Hat, wear
from panel.demo import world

NOW = dt.datetime(2026, 11, 22, 12, 3, tzinfo=dt.UTC)
PASSWORDS = dict.fromkeys(("owner", "reception", "therapist", "operator"), "a long enough password")


def test_build(db, gateway):
    import time
    t = time.monotonic()
    clinic = world.build(NOW, passwords=PASSWORDS, gateway_clock=gateway.set_clock)
    print("built", time.monotonic() - t)
    from collections import Counter
    from messaging.models import Message
    from sessions_app.models import Session, SessionChange
    with wear(Hat.WEB, clinic_id=clinic.pk):
        print(Counter(Session.objects.values_list("state", flat=True)), Counter(Session.objects.values_list("source", flat=True)))
        print(Counter(Message.objects.values_list("state", "reason")))
        print(Counter(SessionChange.objects.values_list("kind", flat=True)))
        for m in Message.objects.order_by("-due_at")[:6]: print(m.text, m.due_at, m.sent_at, m.delivered_at)
    t = time.monotonic()
    news = world.carry_on(clinic, NOW)
    print(news, time.monotonic() - t)
    news = world.carry_on(clinic, NOW + dt.timedelta(hours=10))
    print(news, time.monotonic() - t)
    news = world.carry_on(clinic, NOW + dt.timedelta(days=30))
    print(news, time.monotonic() - t)
