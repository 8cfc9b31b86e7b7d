"""Which wording a text uses, for accounts that take links and for those that do not."""

import pytest

from followup.defaults import DEFAULT_RULES
from messaging.models import Message, Template
from messaging.render import has_link
from messaging.wordings import choose

LINKED = "وقت شما ثبت شد: {پیوند جلسه}"
UNLINKED = "منتظرتان هستیم."


def wording(body, **fields):
    return Template(body=body, **fields)


def chosen(*wordings, plain=False, invites=False):
    message = Message(session=None)
    message.turn = 0
    return [w.body for w in choose(message, wordings, invites=invites, plain=plain)]


def test_a_plain_wording_is_left_out_where_links_are_taken():
    assert chosen(wording(LINKED), wording(UNLINKED, plain=True)) == [LINKED]


def test_where_links_are_refused_no_wording_with_one_is_chosen():
    assert chosen(wording(LINKED), wording(UNLINKED, plain=True), plain=True) == [UNLINKED]


def test_where_links_are_refused_an_ordinary_wording_without_one_serves():
    assert chosen(wording(LINKED), wording(UNLINKED), plain=True) == [UNLINKED]


def test_the_wording_made_for_such_accounts_goes_before_one_that_happens_to_fit():
    made_for_it = wording("خبرمان کنید.", plain=True)
    found = chosen(wording(UNLINKED), made_for_it, plain=True)
    assert found == ["خبرمان کنید.", UNLINKED]


def test_an_invitation_that_links_is_refused_like_any_other():
    inviting = wording("نظرتان: {پیوند بازخورد}", invites=True)
    assert chosen(inviting, wording(UNLINKED), plain=True, invites=True) == [UNLINKED]


@pytest.mark.parametrize(
    ("body", "linked"),
    [
        pytest.param("{پیوند جلسه}", True, id="a page"),
        pytest.param("{choices_link}", True, id="a page by its English name"),
        pytest.param("ببینید: https://example.org/x", True, id="written out"),
        pytest.param("ببینید: Example.ir", True, id="without its scheme"),
        pytest.param("{تلفن} {کلینیک}", False, id="other placeholders"),
        pytest.param("سلام.خوش آمدید. ساعت 17.30", False, id="full stops"),
    ],
)
def test_an_address_is_told_from_words(body, linked):
    assert has_link(body) is linked


@pytest.mark.parametrize("default", DEFAULT_RULES, ids=[d.key for d in DEFAULT_RULES])
def test_every_default_rule_can_speak_without_a_link(default):
    """And in two ways, one of which needs no phone of the clinic's."""
    spoken = [b for b in (*default.plain, *default.bodies) if not has_link(b)]
    assert len(spoken) >= 2
    assert any("{تلفن}" not in body for body in spoken)
    assert not any(map(has_link, default.plain))
