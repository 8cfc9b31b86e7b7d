"""What a batch of texts must be before any of it leaves."""

from collections.abc import Sequence

from messaging.providers.base import MessageRefused, OutgoingText, Reason, RequestRefused
from messaging.providers.values import national


def national_receptors(texts: Sequence[OutgoingText], limit: int) -> list[str]:
    """The numbers of one text's recipients as Iranian gateways dial them.

    Raises `MessageRefused` and `RequestRefused`, before anything leaves.
    """
    ids, wordings = {text.local_id for text in texts}, {text.text for text in texts}
    receptors = [national(text.receptor) for text in texts]
    if "" in receptors:
        raise MessageRefused(Reason.BAD_RECEPTOR)
    if any(not wording.strip() for wording in wordings):
        raise MessageRefused(Reason.BAD_TEXT)
    uneven = len(ids) != len(texts) or len(set(receptors)) != len(texts) or len(wordings) != 1
    if uneven or len(texts) > limit:
        raise RequestRefused(Reason.BAD_BATCH)
    return receptors
