// A receiver of webhooks that verifies by the library of npm, and prints the types that it took.
import { createServer } from "node:https";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { Webhook } = createRequire(process.env.NODE_PATH + "/")("standardwebhooks");
const webhook = new Webhook(process.env.WEBHOOK_SECRET);
const files = { cert: readFileSync(process.env.CERTIFICATE), key: readFileSync(process.env.KEY) };

createServer(files, (request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    try {
      const event = webhook.verify(Buffer.concat(parts).toString(), request.headers);
      console.log(event.type, JSON.stringify(event.data));
      response.writeHead(204).end();
    } catch (error) {
      console.log("refused", error.message);
      response.writeHead(401).end();
    }
  });
}).listen(Number(process.env.PORT), "127.0.0.1");
