// An ESME made of the npm package `smpp`. It binds over TLS, submits what its one argument says, waits for
// every answer, asks where the last message stands, and unbinds. It says what it sees in lines of JSON.
'use strict';

const fs = require('fs');
const smpp = require('smpp');

const settings = JSON.parse(process.argv[2]);
const tell = (event, fields) => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);

const session = smpp.connect({
  url: `ssmpp://localhost:${settings.port}`,
  ca: fs.readFileSync(settings.ca_file),
  servername: 'localhost',
  auto_enquire_link_period: 1000,
});
session.on('error', (error) => {
  tell('error', { says: error.message });
  process.exit(1);
});
session.on('secureConnect', () => {
  const bind = { system_id: 'esme1', password: settings.password };
  session.bind_transceiver(bind, (pdu) => {
    tell('bound', { status: pdu.command_status, name: pdu.system_id });
    if (pdu.command_status !== 0) {
      return session.close();
    }
    return submit(0);
  });
});

function submit(place) {
  if (place === settings.texts.length) {
    return;
  }
  const fields = {
    source_addr_ton: 3,
    source_addr: '12345',
    dest_addr_ton: 1,
    dest_addr_npi: 1,
    destination_addr: '447700900123',
    registered_delivery: 1,
    // The package splits nothing: a long text goes as a payload. Left to itself it names the GSM alphabet
    // ASCII (1), which is another one.
    message_payload: settings.texts[place],
    data_coding: /[^\x00-\x7f€]/.test(settings.texts[place]) ? 8 : 0,
  };
  session.submit_sm(fields, (pdu) => {
    tell('answered', { status: pdu.command_status, id: pdu.message_id });
    if (place + 1 < settings.texts.length) {
      return submit(place + 1);
    }
    return session.query_sm({ message_id: pdu.message_id, source_addr: '12345' }, (found) => {
      tell('asked', { status: found.command_status, id: found.message_id, state: found.message_state });
      session.unbind(() => {
        tell('unbound', {});
        session.close();
      });
    });
  });
}
