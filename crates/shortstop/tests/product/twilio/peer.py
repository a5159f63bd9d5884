"""An application of Twilio's in Python: asks what standard input says, and tells what came of it."""

import json
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from twilio.base.exceptions import TwilioRestException
from twilio.http.validation_client import ValidationClient
from twilio.rest import Client

told = json.load(sys.stdin)

if "make" in told:
    private = rsa.generate_private_key(65537, 2048)
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    with open(told["make"][0], "wb") as file:
        file.write(private.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    with open(told["make"][1], "wb") as file:
        public = private.public_key()
        file.write(public.public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    json.dump({"answers": []}, sys.stdout)
    sys.exit()

http_client = None
if told.get("credential"):
    private = open(told["private"]).read()
    http_client = ValidationClient(told["account"], told["user"], told["credential"], private)
    # It does not look at REQUESTS_CA_BUNDLE.
    http_client.session.verify = told["ca"]
client = Client(told["user"], told["key"], told["account"], http_client=http_client)
client.api.base_url = told["url"]
client.verify.base_url = told["url"]


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
    return ask_verify(what)


SERVICE = "account_sid code_length friendly_name psd2_enabled sid skip_sms_to_landlines url"
COMMON = "account_sid amount channel payee service_sid sid status to valid"


def of_service(service):
    return {name: getattr(service, name) for name in SERVICE.split()}


def of_verification(verification):
    told = {name: getattr(verification, name) for name in COMMON.split()}
    if hasattr(verification, "send_code_attempts"):
        told["attempts"] = len(verification.send_code_attempts)
    return told | {"created": verification.date_created.isoformat()}


def ask_verify(what):
    services = client.verify.v2.services
    service = services(what.get("service") or "VA")
    verification = service.verifications(what.get("sid") or "VE")
    match what["do"]:
        case "services":
            return [of_service(each) for each in services.list(**what["with"])]
        case "make service":
            return of_service(services.create(**what["with"]))
        case "show service":
            return of_service(service.fetch())
        case "change service":
            return of_service(service.update(**what["with"]))
        case "remove service":
            return service.delete()
        case "begin":
            return of_verification(service.verifications.create(**what["with"]))
        case "show":
            return of_verification(verification.fetch())
        case "becomes":
            return of_verification(verification.update(status=what["status"]))
        case "check":
            return of_verification(service.verification_checks.create(**what["with"]))


def answer(what):
    try:
        return {"done": ask(what)}
    except TwilioRestException as error:
        return {"status": error.status, "code": error.code, "message": error.msg}


json.dump({"answers": [answer(what) for what in told["asks"]]}, sys.stdout)
