// A small SMSC made of the npm package `smpp`. It is told what to do by one JSON argument and by lines
// of JSON on its standard input, says what it sees in lines of JSON on its standard output, and ends
// with its standard input. It knows nothing about the link under test.
'use strict';

const fs = require('fs');
const readline = require('readline');
const smpp = require('smpp');

const settings = JSON.parse(process.argv[2]);
const tell = (event, fields) => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);

const sessions = [];
let nextId = 0x0a1b2c3d;
let nextReference = 0xa7;

// Each receipt is written in the next of these forms.
const FORMS = ['both', 'text-decimal', 'tlv', 'undelivered'];
let nextForm = 0;

function hex(id) {
  return id.toString(16).toUpperCase();
}

function receiptText(id, state, error, text) {
  const head = `id:${id} sub:001 dlvrd:${state === 'DELIVRD' ? '001' : '000'}`;
  return `${head} submit date:2611221000 done date:2611221001 stat:${state} err:${error} text:${text.slice(0, 20)}`;
}

function receipt(submit, id) {
  const form = FORMS[nextForm++ % FORMS.length];
  const text = submit.short_message.message;
  const fields = {
    source_addr_ton: submit.dest_addr_ton,
    source_addr_npi: submit.dest_addr_npi,
    source_addr: submit.destination_addr,
    dest_addr_ton: submit.source_addr_ton,
    dest_addr_npi: submit.source_addr_npi,
    destination_addr: submit.source_addr,
    esm_class: 4,
    data_coding: 0,
  };
  switch (form) {
    case 'text-decimal':
      return { form, ...fields, short_message: receiptText(id.toString(10), 'DELIVRD', '000', text) };
    case 'tlv':
      return { form, ...fields, short_message: '', receipted_message_id: hex(id), message_state: 2 };
    case 'undelivered':
      return {
        form,
        ...fields,
        short_message: receiptText(`00${hex(id).toLowerCase()}`, 'UNDELIV', '027', text),
        network_error_code: Buffer.from([3, 0, 27]),
      };
    default:
      return {
        form,
        ...fields,
        short_message: receiptText(hex(id), 'DELIVRD', '000', text),
        receipted_message_id: hex(id),
        message_state: 2,
        network_error_code: Buffer.from([3, 0, 0]),
      };
  }
}

function receiver() {
  return sessions.find((known) => known.kind !== 'bind_transmitter').session;
}

function deliver(what, fields) {
  receiver().deliver_sm(fields, (response) => {
    tell('delivered', { what, status: response.command_status });
  });
}

function submitted(session, pdu) {
  const id = nextId++;
  const { udh, message } = pdu.short_message;
  tell('submit', {
    id: hex(id),
    from: [pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr],
    to: [pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr],
    esm_class: pdu.esm_class,
    data_coding: pdu.data_coding,
    priority: pdu.priority_flag,
    registered_delivery: pdu.registered_delivery,
    valid_for_seconds: Math.round((pdu.validity_period - Date.now()) / 1000),
    udh: udh ? Buffer.concat(udh).toString('hex') : '',
    text: message,
  });
  session.send(pdu.response({ message_id: hex(id) }));
  if (pdu.registered_delivery & 1) {
    const { form, ...fields } = receipt(pdu, id);
    deliver(form, fields);
  }
}

function bound(session, pdu) {
  const fields = { kind: pdu.command, system_id: pdu.system_id, version: pdu.interface_version };
  if (pdu.password !== settings.password) {
    tell('refused', fields);
    session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }));
    session.close();
    return;
  }
  sessions.push({ kind: pdu.command, session });
  session.send(pdu.response({ system_id: 'NODE', sc_interface_version: 0x34 }));
  tell('bind', fields);
}

function serve(session) {
  for (const kind of ['bind_transceiver', 'bind_transmitter', 'bind_receiver']) {
    session.on(kind, (pdu) => bound(session, pdu));
  }
  session.on('submit_sm', (pdu) => submitted(session, pdu));
  session.on('enquire_link', (pdu) => {
    session.send(pdu.response());
    tell('enquired', {});
  });
  session.on('unbind', (pdu) => {
    tell('unbound', {});
    session.send(pdu.response());
    session.close();
  });
  session.on('generic_nack', (pdu) => tell('nack', { status: pdu.command_status }));
  session.on('error', (error) => tell('error', { text: String(error) }));
  session.on('close', () => {
    const place = sessions.findIndex((known) => known.session === session);
    if (place >= 0) {
      sessions.splice(place, 1);
    }
  });
}

// A message from a handset; a long one in parts with user data headers.
function write({ from, to, text, data_coding, part_characters }) {
  const total = Math.ceil(text.length / part_characters);
  const reference = nextReference++;
  for (let place = 0; place < total; place++) {
    const message = text.slice(place * part_characters, (place + 1) * part_characters);
    const udh = Buffer.from([5, 0, 3, reference, total, place + 1]);
    deliver('mo', {
      source_addr_ton: 1,
      source_addr_npi: 1,
      source_addr: from,
      dest_addr_ton: 3,
      destination_addr: to,
      data_coding,
      short_message: total > 1 ? { udh, message } : { message },
    });
  }
}

const ORDERS = {
  mo: write,
  enquire: () => receiver().enquire_link((pdu) => tell('lives', { status: pdu.command_status })),
  unbind: () => {
    const session = receiver();
    session.unbind((pdu) => {
      tell('let go', { status: pdu.command_status });
      session.close();
    });
  },
};

const tls = settings.key
  ? { key: fs.readFileSync(settings.key), cert: fs.readFileSync(settings.certificate) }
  : {};
const server = smpp.createServer(tls, serve);
server.listen(0, '127.0.0.1', () => tell('listening', { port: server.address().port }));

const orders = readline.createInterface({ input: process.stdin });
orders.on('line', (line) => {
  const { order, ...rest } = JSON.parse(line);
  ORDERS[order](rest);
});
orders.on('close', () => process.exit(0));
