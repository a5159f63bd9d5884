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
