"""Several ticks at once: beat, a system timer and a person may all be running one."""

import json
from collections import Counter

import pytest

from tests.commands.conftest import admin

NOW = "2026-11-27T12:00:00+03:30"
MANY = """
INSERT INTO patients_client (clinic_id, file_no, honorific, first_name, last_name, gender, phone,
    email, consent_transactional, consent_follow_up, consent_motivation, consent_campaign,
    created_at, search_text, sort_key)
SELECT c.id, n::text, 'خانم', 'مریم', 'گروه ' || n / 10, '', '+98912' || lpad(n::text, 7, '0'), '',
       true, true, false, false, now(), '', '' FROM clinic_clinic c, generate_series(1, 2000) n;
INSERT INTO clinic_therapist (clinic_id, name, title, active, sort_key)
SELECT id, 'دکتر صادقی', '', true, '' FROM clinic_clinic;
INSERT INTO clinic_service (clinic_id, name, duration_minutes, rhythm_days, active, sort_key)
SELECT id, 'فردی', 50, 7, true, '' FROM clinic_clinic;
INSERT INTO messaging_message (clinic_id, rule_number, rule_key, purpose, priority, channel,
    "then", occasion, expects, invites, client_id, recipient, due_at, useful_until, planned_at, state, reason,
    state_at, attempt_at, attempts, holder, text, provider, provider_id, provider_code, negative_lookups)
SELECT cl.clinic_id, r.id, r.key, r.purpose, 1, r.channel, r."then", '', 'coming', false, cl.id, cl.phone,
       now_, now_ + interval '1 day', now_, 'queued', '', now_, now_, 0, '', '', '', '', '', 0
  FROM patients_client cl JOIN followup_rule r ON r.key = 'reminder_24h',
       (VALUES ('2026-11-27 08:00+00'::timestamptz)) t(now_);
UPDATE messaging_template SET body = 'سلام {خطاب}. {کلینیک}';
"""


@pytest.mark.slow
def test_four_ticks_over_two_thousand_messages_send_each_exactly_once(installation, gateway):
    installation.ask("create_clinic", "aramesh", "--name", "آرامش", "--live", "--now", "2026-11-01")
    admin(MANY, installation.url.rsplit("/", 1)[1])
    ticks = [installation.start("tick", "--now", NOW) for _ in range(4)]
    counts = [json.loads(tick.communicate(timeout=300)[0]) for tick in ticks]
    assert min(count["sent"] for count in counts) > 0
    # A busy machine takes longer than one drain may; the next minute's tick goes on.
    while counts[-1]["sent"]:
        counts.append(installation.ask("tick", "--now", NOW))
    receptors = Counter(text.receptor for text in gateway.messages)
    assert sum(count["sent"] for count in counts) == 2000
    assert (len(receptors), max(receptors.values())) == (2000, 1)
