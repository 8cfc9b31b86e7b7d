"""What WhatsApp's webhooks look like, for tests."""

import hashlib
import hmac
import json

APP_SECRET = "app-secret-of-a-test"


def status(wamid="wamid.A", word="delivered", ours=None, code=None, **more):
    told = {"id": wamid, "status": word, "timestamp": "1795242600", "recipient_id": "49151"}
    if ours is not None:
        told["biz_opaque_callback_data"] = str(ours)
    if code is not None:
        told["errors"] = [{"code": code, "title": "…", "error_data": {"details": "…"}}]
    return {**told, **more}


def written(wamid="wamid.IN", words="سلام", sender="4915112345678", **more):
    return {
        "from": sender,
        "id": wamid,
        "timestamp": "1795242600",
        "type": "text",
        "text": {"body": words},
        **more,
    }


def value(statuses=(), messages=(), **more):
    about = {"display_phone_number": "+49 30 1234567", "phone_number_id": "106540352242922"}
    told = {"messaging_product": "whatsapp", "metadata": about, **more}
    if statuses:
        told["statuses"] = list(statuses)
    if messages:
        told["messages"] = list(messages)
    return told


def webhook(*values):
    """The body of a webhook with one change for each value; Persian as escapes, as Meta writes it."""
    changes = [{"field": "messages", "value": each} for each in values]
    payload = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}
    return json.dumps(payload).encode()


def signed(body, secret=APP_SECRET):
    """The header that proves it."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
