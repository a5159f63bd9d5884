// The same with the libraries of npm.
import { createServer } from "node:https";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const of = createRequire(process.env.NODE_PATH + "/");
const { Webhook, WebhookVerificationError } = of("standardwebhooks");
const { validateRequest } = of("twilio");
const secret = process.env.WEBHOOK_SECRET;
const webhook = new Webhook(secret);
const files = { cert: readFileSync(process.env.CERTIFICATE), key: readFileSync(process.env.KEY) };

function byStandard(body, headers) {
  try {
    webhook.verify(body, headers);
  } catch (error) {
    // The signature is good, and a form is no JSON.
    return !(error instanceof WebhookVerificationError) && error instanceof SyntaxError;
  }
  return false;
}

createServer(files, (request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const body = Buffer.concat(parts).toString();
    const form = Object.fromEntries(new URLSearchParams(body));
    const url = `https://${request.headers.host}${request.url}`;
    const signature = request.headers["x-twilio-signature"];
    const isGood =
      validateRequest(secret, signature, url, form) &&
      !validateRequest(secret, signature, url, { ...form, To: "+447700900999" }) &&
      byStandard(body, request.headers) &&
      !byStandard(body + "1", request.headers);
    if (isGood) {
      console.log(form.MessageStatus, form.MessageSid, form.To, request.headers["webhook-id"]);
    } else {
      console.log("refused", JSON.stringify(request.headers), body);
    }
    response.writeHead(isGood ? 204 : 403).end();
  });
}).listen(Number(process.env.PORT), "127.0.0.1");
