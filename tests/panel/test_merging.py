"""Reception finds a client's second file, sees both, and joins them."""

import re

import pytest

from clinic.tenancy import Hat, wear
from patients import merging
from patients.models import Client, FormerFile
from tests import factories
from tests.panel.screens import CLINIC, html_of, notices_of, text_of

NOW = factories.NOW
LIST = CLINIC + "clients/"


@pytest.fixture
def pair(clinic, people):
    """One person twice: with two phones, two spellings, and a session in each file."""
    kept = people["my_client"]
    lost = factories.ClientFactory(
        clinic=clinic, first_name=kept.first_name, last_name="كريمى", phone="+989125550000"
    )
    for client in (kept, lost):
        factories.SessionFactory(clinic=clinic, clients=[client])
    return kept, lost


def twins(client):
    return f"{LIST}{client.pk}/twins/"


def join(kept, lost):
    return f"{LIST}{kept.pk}/join/{lost.pk}/"


def asked(response):
    return re.findall(r'<input [^>]*type="radio" name="(\w+)" value="kept"', html_of(response))


def test_the_clients_page_leads_to_the_search_for_a_second_file(as_reception, pair):
    kept, _ = pair
    page = html_of(as_reception.get(f"{LIST}{kept.pk}/"))
    assert f'href="{twins(kept)}"' in page
    assert "این پرونده دوبار ثبت شده؟" in page


def test_likely_twins_are_proposed_with_what_they_share(as_reception, pair, people):
    kept, lost = pair
    words = text_of(as_reception.get(twins(kept)))
    assert "همان نام" in words
    assert "۱ جلسه" in words
    assert f'href="{join(kept, lost)}"' in html_of(as_reception.get(twins(kept)))
    assert people["her_client"].last_name not in words


def test_whoever_is_not_proposed_is_looked_for(as_reception, pair, people):
    kept, _ = pair
    response = as_reception.get(twins(kept), {"q": "ملکی"})
    assert f'href="{join(kept, people["her_client"])}"' in html_of(response)
    assert "«پرویز»" in text_of(as_reception.get(twins(kept), {"q": "پرویز"}))


def test_typing_changes_only_the_list_of_twins(as_reception, pair):
    headers = {"HX-Request": "true", "HX-Target": "twin-list"}
    response = as_reception.get(twins(pair[0]), {"q": "کریمی"}, headers=headers)
    assert "<html" not in html_of(response)
    assert "HX-Request" in response.headers["Vary"]


def test_the_preview_asks_only_where_both_say_something_else(as_reception, pair):
    kept, lost = pair
    response = as_reception.get(join(kept, lost))
    assert asked(response) == ["file_no", "phone"]
    assert html_of(response).count("checked") == 2
    words = text_of(response)
    assert "جلسه‌ها ۱" in words
    assert "از دو خواسته، سخت‌گیرانه‌تر می‌ماند" in words


def test_the_preview_says_what_the_other_file_forbids(as_reception, pair):
    kept, lost = pair
    Client.objects.filter(pk=lost.pk).update(
        consent_follow_up=False, muted_at=NOW, crisis_since=NOW, discreet=True
    )
    words = text_of(as_reception.get(join(kept, lost)))
    for said in (
        "دیگر پیام‌های «پیگیری و بازخورد» فرستاده نمی‌شود",
        "هیچ پیام خودکاری نمی‌رود تا کسی دوباره اجازه دهد",
        "در پرونده‌ی دیگر وضعیت بحران ثبت شده است",
        "پیام‌ها سربسته فرستاده می‌شود",
    ):
        assert said in words


def test_joining_leaves_one_file_with_what_was_chosen(as_reception, receptionist, pair):
    kept, lost = pair
    response = as_reception.post(join(kept, lost), {"phone": "lost"}, follow=True)
    one = Client.objects.exclude(last_name="ملکی").get()
    assert response.redirect_chain == [(f"{LIST}{kept.pk}/", 302)]
    assert (one.pk, one.phone, one.sessions.count()) == (kept.pk, lost.phone, 2)
    assert FormerFile.objects.get().joined_by == receptionist
    assert notices_of(response) == ["دو پرونده یکی شد."]
    assert "با پرونده‌ی دوم همین مراجع یکی شد" in text_of(response)


def test_the_address_of_the_file_that_is_gone_leads_to_the_one_that_stays(as_reception, pair):
    kept, lost = pair
    as_reception.post(join(kept, lost))
    assert as_reception.get(f"{LIST}{lost.pk}/").url == f"{LIST}{kept.pk}/"


def test_what_came_from_either_phone_stays_in_the_timeline(as_reception, clinic, pair):
    kept, lost = pair
    wrote = {"clinic": clinic, "provider": "kavenegar", "intent": "other", "received_at": NOW}
    for client in pair:
        from messaging.models import Reply

        Reply.objects.create(
            **wrote, provider_id=str(client.pk), phone=client.phone, text=f"از {client.phone}"
        )
    as_reception.post(join(kept, lost))
    page = html_of(as_reception.get(f"{LIST}{kept.pk}/"))
    assert all(f"از {client.phone}" in page for client in pair)


def test_a_refusal_is_told_and_the_choice_stands(as_reception, pair, monkeypatch):
    kept, lost = pair

    def refuse(*_, **__):
        raise merging.MergeError("نشد")

    monkeypatch.setattr(merging, "merge", refuse)
    response = as_reception.post(join(kept, lost), {"phone": "lost"})
    assert (response.status_code, notices_of(response)) == (409, ["نشد"])
    assert re.search(r'name="phone" value="lost" checked', html_of(response))


def test_a_file_is_not_compared_with_itself(as_reception, pair):
    assert as_reception.get(join(pair[0], pair[0])).url == twins(pair[0])


def test_a_therapist_joins_nothing(as_therapist, pair):
    kept, lost = pair
    assert as_therapist.get(twins(kept)).status_code == 403
    assert as_therapist.post(join(kept, lost)).status_code == 403
    assert twins(kept) not in html_of(as_therapist.get(f"{LIST}{kept.pk}/"))


def test_an_outsider_finds_no_file_to_join(as_outsider, other_clinic, pair):
    kept, lost = pair
    theirs = factories.ClientFactory(clinic=other_clinic)
    paths = [twins(kept), join(kept, lost)]
    paths += [path.replace(CLINIC, "/c/omid/") for path in paths]
    paths += [f"/c/omid/clients/{theirs.pk}/join/{lost.pk}/"]
    assert [as_outsider.get(path).status_code for path in paths] == [404] * 5
    assert as_outsider.post(paths[-1]).status_code == 404
    assert Client.objects.count() == 4


@pytest.mark.parametrize("rows", [1, 20])
def test_twins_take_the_same_queries_for_one_and_for_twenty(
    as_reception, clinic, people, rows, django_assert_num_queries
):
    for _ in range(rows):
        twin = factories.ClientFactory(
            clinic=clinic, last_name="شاهرودی", therapist=people["mine"], first_name="شهره"
        )
        factories.SessionFactory(clinic=clinic, clients=[twin])
    person = factories.ClientFactory(clinic=clinic, last_name="شاهرودی", first_name="شهره")
    with django_assert_num_queries(15):
        words = text_of(as_reception.get(twins(person)))
    assert words.count("مقایسه") == rows


@pytest.mark.parametrize("rows", [1, 30])
def test_the_preview_takes_the_same_queries_for_one_and_for_thirty(
    as_reception, clinic, pair, rows, django_assert_num_queries
):
    kept, lost = pair
    with wear(Hat.WEB, clinic_id=clinic.pk):
        for n in range(rows):
            factories.MessageFactory(clinic=clinic, client=lost, rule_number=n)
    with django_assert_num_queries(21):
        assert as_reception.get(join(kept, lost)).status_code == 200
