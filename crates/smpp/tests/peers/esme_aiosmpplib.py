"""An ESME made of the PyPI package `aiosmpplib`.

It binds, submits what the first line of its standard input says, and ends after the answers, receipts
and messages that are expected. It says what it sees in lines of JSON on standard output."""

import asyncio
import json
import sys
from datetime import timedelta

from aiosmpplib import (
    ESME,
    NPI,
    TON,
    AbstractHook,
    BindTransceiverResp,
    DeliverSm,
    EnquireLinkResp,
    PhoneNumber,
    SubmitSm,
    SubmitSmResp,
)

UDHI = 0x40


def tell(event, **fields):
    print(json.dumps({"event": event, **fields}, default=str), flush=True)


class Hook(AbstractHook):
    """Tells what comes, and ends the wait when everything has come."""

    def __init__(self):
        self.bound = asyncio.Event()
        self.lives = asyncio.Event()
        self.came = asyncio.Condition()
        self.answers = 0
        self.receipts = 0
        self.messages = 0

    async def sending(self, smpp_message, pdu, client_id):
        pass

    async def send_error(self, smpp_message, error, client_id):
        tell("error", text=repr(error))

    async def received(self, smpp_message, pdu, client_id):
        # A part of a long message is handed over as nothing but its PDU.
        command = int.from_bytes(pdu[4:8], "big")
        if isinstance(smpp_message, BindTransceiverResp):
            tell("bound", carrier=smpp_message.system_id, status=int(smpp_message.command_status))
            self.bound.set()
        elif isinstance(smpp_message, EnquireLinkResp):
            tell("lives", status=int(smpp_message.command_status))
            self.lives.set()
        elif isinstance(smpp_message, DeliverSm):
            self.delivered(smpp_message)
        elif isinstance(smpp_message, SubmitSmResp):
            tell("answered", id=smpp_message.message_id, status=int(smpp_message.command_status))
        async with self.came:
            self.answers += command == 0x80000004
            if command == 5:
                receipt = pdu_is_receipt(pdu)
                self.receipts += receipt
                self.messages += not receipt
            self.came.notify_all()

    def delivered(self, message):
        if message.is_receipt():
            read = message.parse_receipt()
            tell("receipt", read=read, handset=message.source.number, reference=message.log_id)
        else:
            tell("message", text=message.short_message, handset=message.source.number)


def pdu_is_receipt(pdu):
    """esm_class stands behind service_type and the two addresses, which all end with NUL."""
    place = 16
    for skipped in (0, 2, 2):
        place = pdu.index(0, place + skipped) + 1
    return pdu[place] & 0x3C == 0x04


async def main():
    settings = json.loads(sys.argv[1])
    hook = Hook()
    esme = ESME(
        smsc_host="127.0.0.1",
        smsc_port=settings["port"],
        system_id="esme1",
        password=settings["password"],
        enquire_link_interval=0.2,
        log_level="ERROR",
        hook=hook,
    )
    running = asyncio.create_task(esme.start())
    await hook.bound.wait()
    order = json.loads(await asyncio.to_thread(sys.stdin.readline))
    for place, text in enumerate(order["texts"]):
        message = SubmitSm(
            short_message=text,
            source=PhoneNumber("12345", TON.NETWORK_SPECIFIC, NPI.UNKNOWN),
            destination=PhoneNumber("447700900123", TON.INTERNATIONAL, NPI.ISDN),
            # Asks for parts with headers where the text does not fit; dropped where it does.
            esm_class=UDHI,
            auto_message_payload=False,
            validity_period=timedelta(minutes=10),
            log_id=f"text-{place}",
        )
        await esme.broker.enqueue(message)
    async with hook.came:
        await hook.came.wait_for(
            lambda: hook.answers >= order["parts"]
            and hook.receipts >= order["parts"]
            and hook.messages >= order["messages"]
        )
    await hook.lives.wait()
    await esme.stop()
    running.cancel()
    tell("unbound")


asyncio.run(main())
