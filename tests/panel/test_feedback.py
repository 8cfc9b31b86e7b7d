"""The feedback pages: who reads what, what is found, and figures that do not flatter."""

import datetime as dt
import re

import pytest

from feedback.models import Response
from sessions_app.models import CareTask, ClientLink
from tests import factories
from tests.panel.screens import CLINIC, html_of, text_of

NOW = factories.NOW
DAY = dt.timedelta(days=1)
ANSWERS = CLINIC + "feedback/"
FIGURES = ANSWERS + "figures/"
WAITING = ANSWERS + "waiting/"


@pytest.fixture
def as_manager(client, manager, at_ten):
    client.force_login(manager)
    return client


def session_of(clinic, people, who="mine", *, days=3, client=None):
    return factories.SessionFactory(
        clinic=clinic,
        therapist=people[who],
        service=people["service"],
        starts_at=NOW - days * DAY,
        state="attended",
        clients=[client or factories.ClientFactory(clinic=clinic)],
    )


def answer(clinic, people, who="mine", *, days=2, session=None, **said):
    """An answer given `days` ago, to a session of the day before."""
    session = session or session_of(clinic, people, who, days=days + 1)
    at = NOW - days * DAY
    values = {"overall": 4, "created_at": at, "changed_at": at} | said
    client = session.clients.get()
    return Response.objects.create(clinic=clinic, session=session, client=client, **values)


def invite(clinic, session, *, days=2, state="delivered", linked=True, invites=True):
    client = session.clients.get()
    if linked:
        ClientLink.objects.create(
            clinic=clinic,
            purpose="feedback",
            session=session,
            client=client,
            token_hash=f"hash-{session.pk}",
            created_at=NOW,
        )
    return factories.MessageFactory(
        clinic=clinic,
        client=client,
        session=session,
        rule_key="thank_you",
        purpose="follow_up",
        invites=invites,
        state=state,
        sent_at=NOW - days * DAY,
    )


def task_of(clinic, response, **fields):
    return CareTask.objects.create(
        clinic=clinic,
        kind="feedback",
        client=response.client,
        session=response.session,
        occasion=f"response:{response.pk}",
        due_at=NOW,
        created_at=NOW,
        **fields,
    )


def lines_of(response):
    """The names on the answers, in their order."""
    return re.findall(
        r'<li class="answer">.*?<bdi>(.*?)</bdi>', html_of(response), re.DOTALL
    )  # fmt: skip


# -- Who reads what ------------------------------------------------------------------------------


def test_a_manager_reads_every_answer_the_newest_first(as_manager, clinic, people):
    old = answer(clinic, people, days=5, comment="از آرامش جلسه ممنونم.", overall=5, heard=4)
    new = answer(clinic, people, "hers", days=1, overall=2, goals=1, recommend=3, call_me=True)
    response = as_manager.get(ANSWERS)
    assert lines_of(response) == [str(new.client), str(old.client)]
    words = text_of(response)
    for said in (
        *("از آرامش جلسه ممنونم.", "خیلی خوب", "شنیده‌شدن: کاملاً", "معرفی به دوستان: ۳ از ۱۰"),
        *("خواسته با او تماس بگیرید", str(people["mine"]), str(people["hers"])),
    ):
        assert said in words, said


def test_a_therapist_reads_only_the_answers_about_own_sessions(as_therapist, clinic, people):
    mine = answer(clinic, people, comment="ممنون از شما")
    answer(clinic, people, "hers", comment="از دیگری")
    response = as_therapist.get(ANSWERS)
    assert lines_of(response) == [str(mine.client)]
    assert "ممنون از شما" in text_of(response)
    assert "از دیگری" not in text_of(response)
    assert 'name="therapist"' not in html_of(response)


def test_a_therapist_does_not_widen_that_by_the_address(as_therapist, clinic, people):
    answer(clinic, people, "hers")
    hers = {"therapist": people["hers"].pk}
    assert lines_of(as_therapist.get(ANSWERS, hers)) == []
    assert str(people["hers"]) not in text_of(as_therapist.get(FIGURES, hers))


def test_reception_sees_who_answered_and_neither_score_nor_words(as_reception, clinic, people):
    given = answer(
        clinic, people, overall=1, comment="راستش راضی نبودم", heard=0, recommend=2, call_me=True
    )
    task_of(clinic, given)
    response = as_reception.get(ANSWERS)
    words = text_of(response)
    assert lines_of(response) == [str(given.client)]
    assert "در فهرست تماس" in words
    for secret in ("راستش راضی نبودم", "خیلی بد", "شنیده‌شدن", "از ۱۰", "خواسته با او تماس بگیرید"):
        assert secret not in words


@pytest.mark.parametrize("query", [{"words": "on"}, {"order": "low"}])
def test_reception_cannot_sift_by_what_was_said(as_reception, clinic, people, query):
    names = [str(answer(clinic, people, days=n, overall=n).client) for n in (3, 2, 1)]
    assert lines_of(as_reception.get(ANSWERS, query)) == names[::-1]
    html = html_of(as_reception.get(ANSWERS))
    assert 'name="words"' not in html
    assert 'name="order"' not in html


def test_reception_has_no_figures(as_reception):
    assert as_reception.get(FIGURES).status_code == 403
    assert FIGURES not in html_of(as_reception.get(ANSWERS))


@pytest.mark.parametrize("address", [ANSWERS, FIGURES, WAITING])
def test_an_outsider_finds_nothing(as_outsider, clinic, people, address):
    given = answer(clinic, people, comment="رازی")
    assert as_outsider.get(address).status_code == 404
    theirs = address.replace("aramesh", "omid")
    words = text_of(as_outsider.get(theirs, {"therapist": people["mine"].pk}))
    assert "رازی" not in words
    assert str(given.client) not in words
    assert str(people["mine"]) not in words


# -- The list ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param({}, ["low", "content", "unsure"], id="the last 90 days"),
        pytest.param({"order": "low"}, ["low", "content", "unsure"], id="low first"),
        pytest.param({"words": "on"}, ["content"], id="with words"),
        pytest.param({"since": "۱۴۰۵/۸/۲۹"}, ["low"], id="from a day"),
        pytest.param({"until": "1405/08/28"}, ["content", "unsure"], id="to a day"),
        pytest.param({"since": "1405/01/01"}, ["low", "content", "unsure", "old"], id="longer"),
        pytest.param({"until": "?"}, ["low", "content", "unsure"], id="unreadable"),
    ],
)
def test_the_filters(as_manager, clinic, people, query, found):
    who = {
        "low": answer(clinic, people, days=1, overall=1),
        "content": answer(clinic, people, days=3, overall=5, comment="عالی"),
        "unsure": answer(clinic, people, days=4, overall=0),
        "old": answer(clinic, people, days=120),
    }
    names = {str(response.client): name for name, response in who.items()}
    assert [names[line] for line in lines_of(as_manager.get(ANSWERS, query))] == found


def test_low_scores_first_puts_those_who_do_not_know_last(as_manager, clinic, people):
    made = {n: answer(clinic, people, days=days, overall=n) for days, n in enumerate((3, 0, 5, 1))}
    shown = lines_of(as_manager.get(ANSWERS, {"order": "low"}))
    assert shown == [str(made[n].client) for n in (1, 3, 5, 0)]


def test_the_answers_of_one_therapist_and_service(as_manager, clinic, people):
    mine, hers = answer(clinic, people), answer(clinic, people, "hers")
    query = {"therapist": people["hers"].pk}
    assert lines_of(as_manager.get(ANSWERS, query)) == [str(hers.client)]
    other = factories.ServiceFactory(clinic=clinic)
    assert lines_of(as_manager.get(ANSWERS, {"service": other.pk})) == []
    query = {"service": people["service"].pk}
    assert lines_of(as_manager.get(ANSWERS, query)) == [str(hers.client), str(mine.client)]


def test_an_open_task_leads_to_the_call_and_a_settled_one_says_so(as_manager, clinic, people):
    waiting = task_of(clinic, answer(clinic, people))
    html = html_of(as_manager.get(ANSWERS))
    assert f'href="{CLINIC}calls/{waiting.pk}/"' in html
    CareTask.objects.update(closed_at=NOW, outcome="done")
    assert "پیگیری شد" in text_of(as_manager.get(ANSWERS))


def test_htmx_gets_the_list_alone(as_manager, clinic, people):
    answer(clinic, people)
    headers = {"HX-Request": "true", "HX-Target": "answers"}
    html = html_of(as_manager.get(ANSWERS, headers=headers))
    assert "<html" not in html
    assert len(re.findall('class="answer"', html)) == 1


def test_an_empty_page_teaches(as_manager):
    assert "هنوز کسی پاسخ نداده است" in text_of(as_manager.get(ANSWERS))
    assert "پاسخی با این شرط‌ها نیست" in text_of(as_manager.get(ANSWERS, {"words": "on"}))


# -- Who has not answered ------------------------------------------------------------------------


def waiting_of(browser):
    return re.findall(r'<div class="title"><a[^>]*><bdi>(.*?)</bdi>', html_of(browser.get(WAITING)))


def test_who_was_asked_and_has_not_answered(as_reception, clinic, people):
    silent, earlier, spoke, long_ago, unlinked, undelivered, plain = (
        session_of(clinic, people, "mine" if n else "hers") for n in range(7)
    )
    invite(clinic, silent, days=1)
    invite(clinic, earlier, days=29, state="sent")
    invite(clinic, spoke)
    answer(clinic, people, session=spoke)
    invite(clinic, long_ago, days=31)
    invite(clinic, unlinked, linked=False)
    invite(clinic, undelivered, state="undelivered")
    invite(clinic, plain, invites=False)
    expected = [str(s.clients.get()) for s in (silent, earlier)]
    assert waiting_of(as_reception) == expected


def test_a_therapist_sees_own_clients_who_have_not_answered(as_therapist, clinic, people):
    mine, hers = session_of(clinic, people), session_of(clinic, people, "hers")
    invite(clinic, mine)
    invite(clinic, hers)
    assert waiting_of(as_therapist) == [str(mine.clients.get())]


# -- Figures -------------------------------------------------------------------------------------


def figures_of(response):
    """What each card says, by its heading."""
    parts = re.findall(r'<section class="card figure.*?</section>', html_of(response), re.DOTALL)
    words = [re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", part)).strip() for part in parts]
    heads = [re.sub(r"<[^>]*>", "", re.search(r"<h2.*?</h2>", part)[0]) for part in parts]
    return dict(zip(heads, words, strict=True))


def test_figures_of_a_therapist(as_manager, clinic, people):
    overall = [5, 5, 4, 4, 4, 4, 4, 3, 2, 1, 0]
    for n, value in enumerate(overall):
        heard = 4 if n < 5 else (2 if n < 10 else None)
        given = answer(clinic, people, overall=value, heard=heard, goals=3 if n < 4 else None)
        if n < 6:
            invite(clinic, given.session)
    for _n in range(2):
        invite(clinic, session_of(clinic, people))
    said = figures_of(as_manager.get(FIGURES))[str(people["mine"])]
    for words in (
        "۱۱ پاسخ",
        "۷۰٪ بین ۴۰٪ و ۸۹٪",  # 7 of the 10 who could say
        "۳ از ۴ میانه ۳",  # heard: five 4 and five 2
        "هنوز داده کافی نیست",  # goals: four answers
        "۷۵٪ ۶ از ۸ دعوت",
        "پاسخ‌های دوره‌ی پیش برای مقایسه کافی نیست.",
    ):
        assert words in said, words


@pytest.mark.parametrize(("n", "enough"), [(4, False), (5, True)])
def test_below_five_answers_nothing_is_said(as_manager, clinic, people, n, enough):
    for _n in range(n):
        answer(clinic, people, overall=5, heard=4)
    said = figures_of(as_manager.get(FIGURES))[str(people["mine"])]
    assert ("۱۰۰٪" in said) is enough
    if not enough:
        assert said == f"{people['mine']} هنوز داده کافی نیست"


def test_the_trend_compares_with_the_span_before(as_manager, clinic, people):
    for n in range(8):
        answer(clinic, people, days=5, overall=5 if n < 2 else 2)
        answer(clinic, people, days=15, overall=5)
    query = {"since": "1405/08/21", "until": "1405/08/30"}
    said = figures_of(as_manager.get(FIGURES, query))[str(people["mine"])]
    assert "آشکارا کمتر از دوره‌ی پیش (۱۰۰٪ از ۸ پاسخ)." in said


def test_the_clinics_figures_are_made_of_answers_and_nobody_is_ranked(as_manager, clinic, people):
    for overall in (5, 5, 5, 5, 5, 5, 5, 5, 5):
        answer(clinic, people, "hers", overall=overall)
    answer(clinic, people, "mine", overall=1)
    said = figures_of(as_manager.get(FIGURES))
    assert "۹۰٪" in said["همه با هم"]  # 9 of 10; the average of 100 % and 0 % would be 50 %
    by_name = sorted((people["mine"], people["hers"]), key=lambda it: it.sort_key)
    assert list(said) == ["همه با هم", *map(str, by_name)]


def test_a_therapist_sees_own_figures_alone(as_therapist, clinic, people):
    for _n in range(5):
        answer(clinic, people)
        answer(clinic, people, "hers")
    assert list(figures_of(as_therapist.get(FIGURES))) == [str(people["mine"])]


# -- Queries -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 30])
@pytest.mark.parametrize(
    ("address", "queries"),
    [(ANSWERS, 16), (FIGURES, 18), (WAITING, 13)],
    ids=["answers", "figures", "waiting"],
)
def test_a_page_takes_the_same_queries_for_one_answer_and_for_thirty(
    as_manager, clinic, people, address, queries, rows, django_assert_num_queries
):
    for _n in range(rows):
        therapist = {
            "mine": factories.TherapistFactory(clinic=clinic),
            "service": people["service"],
        }
        given = answer(clinic, therapist, comment="ممنون")
        task_of(clinic, given)
        invite(clinic, given.session)
        invite(clinic, session_of(clinic, therapist))
    with django_assert_num_queries(queries):
        assert as_manager.get(address).status_code == 200
