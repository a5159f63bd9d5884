"""A client that signs its requests with the PyPI package `http-message-signatures`.

Its standard input is one JSON object. With `make` it writes an Ed25519 key to the two paths there. Otherwise `key` says
who signs (`id`, and `private`, a path, or `secret`), `ca` whom to trust, `certificate` (two paths) what to show, and
`requests` what to send to `url`: each has `method`, `path`, `body`, and perhaps the `headers` to send as they are,
signed before. It writes, for each, the `status` of the answer (0 when there is none), its `code` if it is a problem,
and the headers that were sent."""

import json
import secrets
import ssl
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms


@dataclass
class Message:
    method: str
    url: str
    headers: dict


class Key(HTTPSignatureKeyResolver):
    def __init__(self, key):
        self.id = key["id"]
        if "secret" in key:
            self.key, self.algorithm = key["secret"].encode(), algorithms.HMAC_SHA256
        else:
            with open(key["private"], "rb") as file:
                self.key = serialization.load_pem_private_key(file.read(), None)
            self.algorithm = algorithms.ED25519

    def resolve_private_key(self, key_id):
        return self.key

    def sign(self, message, body):
        covered = ["@method", "@target-uri"]
        signer = HTTPMessageSigner(signature_algorithm=self.algorithm, key_resolver=self)
        nonce = secrets.token_urlsafe(24)
        signer.sign(message, key_id=self.id, nonce=nonce, covered_component_ids=covered, body=body or None)


def make(private, public):
    key = Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    with open(private, "wb") as file:
        file.write(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    with open(public, "wb") as file:
        info = serialization.PublicFormat.SubjectPublicKeyInfo
        file.write(key.public_key().public_bytes(pem, info))


def send(asked, request, tls):
    body = (request.get("body") or "").encode()
    message = Message(request["method"], asked["url"] + request["path"], dict(request.get("headers") or {}))
    if not message.headers:
        if body:
            message.headers["Content-Type"] = "application/json"
        if "bearer" in asked:
            message.headers["Authorization"] = "Bearer " + asked["bearer"]
        else:
            Key(asked["key"]).sign(message, body)
    out = urllib.request.Request(message.url, body or None, message.headers, method=message.method)
    code = None
    try:
        with urllib.request.urlopen(out, context=tls, timeout=30) as answer:
            status = answer.status
    except urllib.error.HTTPError as problem:
        status, code = problem.code, json.load(problem)["code"]
    except (urllib.error.URLError, OSError):
        status = 0
    return {"status": status, "code": code, "headers": message.headers}


asked = json.load(sys.stdin)
if "make" in asked:
    make(*asked["make"])
    print("{}")
else:
    tls = ssl.create_default_context(cafile=asked["ca"])
    if "certificate" in asked:
        tls.load_cert_chain(*asked["certificate"])
    print(json.dumps({"answers": [send(asked, request, tls) for request in asked["requests"]]}))
