"""An ESME made of the PyPI package `smpplib`.

It binds, submits what the first line of its standard input says, and reads until it has the answers,
receipts and messages that are expected. It says what it sees in lines of JSON on standard output."""

import json
import ssl
import sys

import smpplib.client
import smpplib.consts
import smpplib.exceptions
import smpplib.gsm


def tell(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def hexadecimal(octets):
    """Octets in hexadecimal: the test reads them."""
    return (octets or b"").hex()


def plain(value):
    """smpplib hands strings out as bytes with or without their NUL."""
    if isinstance(value, bytes):
        return value.rstrip(b"\0").decode("ascii")
    return value


def delivered(pdu):
    tell(
        "delivered",
        source=[pdu.source_addr_ton, pdu.source_addr_npi, plain(pdu.source_addr)],
        destination=[pdu.dest_addr_ton, pdu.dest_addr_npi, plain(pdu.destination_addr)],
        esm_class=pdu.esm_class,
        data_coding=pdu.data_coding,
        octets=hexadecimal(pdu.short_message),
        receipted=plain(pdu.receipted_message_id),
        state=pdu.message_state,
    )
    counts["deliveries"] += 1


def answered(pdu):
    tell("answered", sequence=pdu.sequence, id=plain(pdu.message_id))
    counts["answers"] += 1


def context(ca_file):
    """smpplib passes no server name, so only the chain can be verified."""
    if ca_file is None:
        return None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(ca_file)
    return made


def submit(client, text):
    parts, data_coding, esm_class = smpplib.gsm.make_parts(text)
    for part in parts:
        client.send_message(
            source_addr_ton=smpplib.consts.SMPP_TON_NWSPEC,
            source_addr_npi=smpplib.consts.SMPP_NPI_UNK,
            source_addr="12345",
            dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
            dest_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
            destination_addr="447700900123",
            short_message=part,
            data_coding=data_coding,
            esm_class=esm_class,
            registered_delivery=True,
            validity_period="000000001000000R",
        )
    return len(parts)


settings = json.loads(sys.argv[1])
counts = {"answers": 0, "deliveries": 0}
# Strict: an optional parameter that smpplib does not know is an error.
client = smpplib.client.Client(
    "127.0.0.1",
    settings["port"],
    timeout=15,
    allow_unknown_opt_params=False,
    ssl_context=context(settings.get("ca_file")),
)
client.set_message_received_handler(lambda pdu: delivered(pdu))
client.set_message_sent_handler(answered)
client.connect()
try:
    bound = getattr(client, settings["bind"])(system_id="esme1", password=settings["password"])
except smpplib.exceptions.PDUError as error:
    tell("refused", status=error.args[1])
    client.disconnect()
    sys.exit(0)
tell("bound", carrier=plain(bound.system_id), tls=settings.get("ca_file") is not None)

order = json.loads(sys.stdin.readline())
submitted = sum(submit(client, text) for text in order["texts"])
tell("submitted", parts=submitted)
while counts["answers"] < submitted or counts["deliveries"] < order["deliveries"]:
    client.read_once(auto_send_enquire_link=False)
client.unbind()
client.disconnect()
tell("unbound")
