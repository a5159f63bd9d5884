// An application of Twilio's in JavaScript: asks what standard input says, and tells what came of it.
"use strict";

const told = JSON.parse(require("fs").readFileSync(0, "utf8"));
const options = { accountSid: told.account };
if (told.credential) {
  options.validationClient = {
    accountSid: told.account,
    credentialSid: told.credential,
    signingKey: told.user,
    privateKey: require("fs").readFileSync(told.private, "utf8"),
    algorithm: told.algorithm,
  };
}
const client = require(told.library)(told.user, told.key, options);
client.api.baseUrl = told.url;
client.verify.baseUrl = told.url;

const shown = (message) => ({
  account_sid: message.accountSid,
  body: message.body,
  direction: message.direction,
  error_code: message.errorCode,
  from_: message.from,
  num_media: message.numMedia,
  num_segments: message.numSegments,
  price: message.price,
  sid: message.sid,
  status: message.status,
  to: message.to,
  uri: message.uri,
  created: message.dateCreated && message.dateCreated.toISOString(),
  sent: message.dateSent && message.dateSent.toISOString(),
});

// What Python writes with underscores.
const camel = (options) =>
  Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      name.replace(/_$/, "").replace(/_(.)/g, (_, letter) => letter.toUpperCase()),
      value,
    ]),
  );

const ask = async (what) => {
  const messages = client.messages;
  switch (what.do) {
    case "create":
      return shown(await messages.create(camel(what.with)));
    case "fetch":
      return shown(await messages(what.sid).fetch());
    case "list":
      return (await messages.list(camel(what.with))).map(shown);
    case "redact":
      return shown(await messages(what.sid).update({ body: "" }));
    case "cancel":
      return shown(await messages(what.sid).update({ status: "canceled" }));
    case "delete":
      return messages(what.sid).remove();
  }
  return askVerify(what);
};

const ofService = (service) => ({
  account_sid: service.accountSid,
  code_length: service.codeLength,
  friendly_name: service.friendlyName,
  psd2_enabled: service.psd2Enabled,
  sid: service.sid,
  skip_sms_to_landlines: service.skipSmsToLandlines,
  url: service.url,
});

const ofVerification = (verification) => ({
  account_sid: verification.accountSid,
  amount: verification.amount,
  attempts: verification.sendCodeAttempts && verification.sendCodeAttempts.length,
  channel: verification.channel,
  created: verification.dateCreated.toISOString(),
  payee: verification.payee,
  service_sid: verification.serviceSid,
  sid: verification.sid,
  status: verification.status,
  to: verification.to,
  valid: verification.valid,
});

const askVerify = async (what) => {
  const services = client.verify.v2.services;
  const service = services(what.service || "VA");
  const verification = service.verifications(what.sid || "VE");
  switch (what.do) {
    case "services":
      return (await services.list(camel(what.with))).map(ofService);
    case "make service":
      return ofService(await services.create(camel(what.with)));
    case "show service":
      return ofService(await service.fetch());
    case "change service":
      return ofService(await service.update(camel(what.with)));
    case "remove service":
      return service.remove();
    case "begin":
      return ofVerification(await service.verifications.create(camel(what.with)));
    case "show":
      return ofVerification(await verification.fetch());
    case "becomes":
      return ofVerification(await verification.update({ status: what.status }));
    case "check":
      return ofVerification(await service.verificationChecks.create(camel(what.with)));
  }
};

const answer = async (what) => {
  try {
    return { done: await ask(what) };
  } catch (error) {
    return { status: error.status, code: error.code, message: error.message };
  }
};

(async () => {
  const answers = [];
  for (const what of told.asks) answers.push(await answer(what));
  process.stdout.write(JSON.stringify({ answers }));
})();
