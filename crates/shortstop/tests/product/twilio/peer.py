"""An application of Twilio's in Python: asks what standard input says, and tells what came of it."""

import json
import sys

from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

told = json.load(sys.stdin)
client = Client(told["user"], told["key"], told["account"])
client.api.base_url = told["url"]


def shown(message):
    return {
        name: getattr(message, name)
        for name in (
            "account_sid body direction error_code from_ num_media num_segments price sid status to uri".split()
        )
    } | {
        "created": message.date_created and message.date_created.isoformat(),
        "sent": message.date_sent and message.date_sent.isoformat(),
    }


def ask(what):
    messages = client.messages
    match what["do"]:
        case "create":
            return shown(messages.create(**what["with"]))
        case "fetch":
            return shown(messages(what["sid"]).fetch())
        case "list":
            return [shown(message) for message in messages.list(**what["with"])]
        case "redact":
            return shown(messages(what["sid"]).update(body=""))
        case "cancel":
            return shown(messages(what["sid"]).update(status="canceled"))
        case "delete":
            return messages(what["sid"]).delete()


def answer(what):
    try:
        return {"done": ask(what)}
    except TwilioRestException as error:
        return {"status": error.status, "code": error.code, "message": error.msg}


json.dump({"answers": [answer(what) for what in told["asks"]]}, sys.stdout)
