"""What schemathesis must be told to keep the promises that the document makes in words: how values of our own
formats are made, and that a fresh idempotency key stands for a fresh request. It makes no answer look better than it is."""

import base64
import hashlib
import hmac
import os
import secrets
import time
import uuid

import requests
import schemathesis
from hypothesis import strategies as st

# Numbers of British handsets that no network gives to anybody, in some spellings.
NUMBERS = st.builds(
    lambda line, spelling: spelling.format(line=line),
    st.integers(0, 999).map(lambda line: f"{line:03}"),
    st.sampled_from(["+447700900{line}", "+44 7700 900{line}", "+44 (7700) 900-{line}"]),
)
WORDS = st.lists(st.sampled_from(["your", "order", "is", "on", "its", "way", "Ä", "🎁", "7"]), min_size=1, max_size=8)
TEXTS = WORDS.map(" ".join)
# What goes into the text of a code is short and holds no digits.
PHRASES = st.sampled_from(["sign-in", "sign-up", "payment", "recovery", "change", "confirmation", "new device"])

FORMATS = {
    "msisdn": NUMBERS,
    # The one of the gateway under test, and one that it has not.
    "short-code": st.sampled_from(["12345", "12345", "54321"]),
    "reference": TEXTS,
    "campaign": st.from_regex(r"[a-z][a-z._-]{0,20}", fullmatch=True),
    "purpose": PHRASES,
    "payee": st.sampled_from(["Example", "Ann Example"]),
    "amount": st.sampled_from(["EUR 12.50", "7 GBP"]),
    "locale": st.sampled_from(["en", "pt-BR", "zh-Hant", "de"]),
    "host": st.sampled_from(["example.com", "login.example.com"]),
    "entry-kind": st.sampled_from(["message.accepted", "message.submitted"]),
    "user": st.sampled_from(["ann", "ann@example.com", "+447700900123", "Ünal 7"]),
    "code": st.sampled_from(["482913", "48 29-13", "7ZQ4-08MX-7ZQ4-08MX"]),
    "callback-url": st.sampled_from(["https://hooks.example.com/status", "https://hooks.example.com/s?order=7"]),
    "app-name": st.sampled_from(["Example", "Example bank"]),
}
for name, strategy in FORMATS.items():
    schemathesis.openapi.format(name, strategy)


@schemathesis.hook
def before_call(ctx, case, kwargs):
    """Rules between members that the document has in words: two requests with one idempotency key are one request;
    of `message` and `object` one is asked for; a cursor goes with the search that gave it; the members of a verification go by its channel."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if "account" in (case.path_parameters or {}):
        # Nobody may ask for an account but its own client.
        case.path_parameters["account"] = os.environ.get("ACCOUNT_SID", case.path_parameters["account"])
    if case.operation.label.startswith("POST /v2/Services/{service}/") and "id" not in case.path_parameters:
        # A verification begins and is checked under the service that the client has.
        case.path_parameters["service"] = "VA" + os.environ["ACCOUNT_SID"][2:]
    for name in list(case.headers or {}):
        if name.lower() == "idempotency-key":
            case.headers[name] = uuid.uuid4().hex
    for asked in (case.query, case.body):
        if isinstance(asked, dict) and asked.get("message") is not None:
            asked.pop("object", None)
        if isinstance(asked, dict) and "/ledger/" in case.path:
            asked.pop("cursor", None)
    if case.path.startswith("/2010-04-01/") and isinstance(case.body, dict) and "From" in case.body:
        # There every refusal is a 400, that of another client's short code too.
        case.body["From"] = "12345"
    if case.operation.label == "POST /v1/verifications" and isinstance(case.body, dict):
        of_channel(case.body)


def of_channel(body):
    if body.get("channel") in ("totp", "recovery"):
        body.setdefault("factor", "fac_adgt2kc5thpzuzq3iu5bwr2v6m")
        wrong = ["to", "from", "locale", "origin", "app_hash", "length"]
    else:
        body.setdefault("to", "+447700900123")
        wrong = ["factor"]
        wrong += ["origin", "app_hash", "binding"] if body.get("channel") == "mo" else ["app_hash"]
    for name in wrong:
        body.pop(name, None)
    if isinstance(body.get("length"), (int, float)):
        body["length"] = max(6, body["length"])


# Every scheme of the document is tried. A header `Signature: sign-me` is signed for (RFC 9421) once the request is
# complete; the scanner takes the header away where it asks what becomes of a request without it.
MARK = "sign-me"
send = requests.adapters.HTTPAdapter.send


def signing_send(self, request, *args, **kwargs):
    if request.headers.get("Signature") == MARK:
        sign(request)
    return send(self, request, *args, **kwargs)


def sign(request):
    body = request.body.encode() if isinstance(request.body, str) else request.body
    covered = {"@method": request.method, "@target-uri": request.url}
    if body:
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        request.headers["Content-Digest"] = f"sha-256=:{digest}:"
        covered["content-digest"] = request.headers["Content-Digest"]
    if "Idempotency-Key" in request.headers:
        covered["idempotency-key"] = request.headers["Idempotency-Key"]
    names = " ".join(f'"{name}"' for name in covered)
    key, nonce = os.environ["SIGNING_KEY_ID"], secrets.token_urlsafe(24)
    params = f'({names});created={int(time.time())};keyid="{key}";nonce="{nonce}"'
    lines = [f'"{name}": {text(value)}' for name, value in covered.items()]
    base = "\n".join([*lines, f'"@signature-params": {params}'])
    tag = hmac.new(os.environ["SIGNING_SECRET"].encode(), base.encode("latin-1"), hashlib.sha256)
    request.headers["Signature-Input"] = f"sig={params}"
    request.headers["Signature"] = f"sig=:{base64.b64encode(tag.digest()).decode()}:"


def text(value):
    return value.decode("latin-1") if isinstance(value, bytes) else value


requests.adapters.HTTPAdapter.send = signing_send
