"""An application of Twilio's with its `ValidationClient`, and somebody who hears what goes over its wire. Does what
standard input says: `create` sends a message, `catch` too, but it never arrives; both tell what was sent. `resend` sends
that once more, as it is given."""

import json
import os
import sys

import requests
from twilio.base.exceptions import TwilioRestException
from twilio.http.validation_client import ValidationClient
from twilio.rest import Client

told = json.load(sys.stdin)
with open(told["private"]) as file:
    private = file.read()
http = ValidationClient(told["account"], told["user"], told["credential"], private)
# It does not look at the environment for that.
http.session.verify = os.environ["REQUESTS_CA_BUNDLE"]
client = Client(told["user"], "unused", told["account"], http_client=http)
client.api.base_url = told["url"]
what = told["ask"]
sent = {}
send = http.session.send


def watched(request, **more):
    body = request.body.decode() if isinstance(request.body, bytes) else request.body
    sent.update(method=request.method, url=request.url, headers=dict(request.headers), body=body)
    if what["do"] == "catch":
        raise ConnectionError
    return send(request, **more)


http.session.send = watched


def ask():
    if what["do"] == "resend":
        request = what["request"]
        headers = {name: value for name, value in request["headers"].items() if name != "Content-Length"}
        body = request["body"].encode()
        answer = requests.request(request["method"], request["url"], headers=headers, data=body)
        return {"status": answer.status_code, "code": answer.json().get("code")}
    try:
        return {"done": client.messages.create(**what["with"]).sid, "sent": sent}
    except TwilioRestException as error:
        return {"status": error.status, "code": error.code, "sent": sent}
    except ConnectionError:
        return {"sent": sent}


json.dump(ask(), sys.stdout)
