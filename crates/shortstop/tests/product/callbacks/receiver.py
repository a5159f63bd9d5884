# A receiver of status callbacks that checks them by the libraries of others, and prints what it took. Told to FAIL, it
# does not take the first one.
import http.server, json, os, re, ssl
from urllib.parse import parse_qsl

from standardwebhooks import Webhook, WebhookVerificationError
from twilio.request_validator import RequestValidator

validator = RequestValidator(os.environ["WEBHOOK_SECRET"])
webhook = Webhook(os.environ["WEBHOOK_SECRET"])
failing = ["once"] if os.environ.get("FAIL") else []


def by_twilio(url, form, signature):
    return (
        validator.validate(url, form, signature)
        and not validator.validate(url + "1", form, signature)
        and not validator.validate(url, {**form, "MessageStatus": "read"}, signature)
    )


def by_standard(body, headers):
    try:
        webhook.verify(body, headers)
    except json.JSONDecodeError:  # The signature is good, and a form is no JSON.
        return True
    except WebhookVerificationError:
        return False
    return False


def has_date(form):
    """The carrier's receipt tells when the message arrived."""
    date = form.get("RawDlrDoneDate")
    return re.fullmatch("[0-9]{10}", date or "") if form["MessageStatus"] == "delivered" else date is None


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        form = dict(parse_qsl(body, strict_parsing=True))
        url = f"https://{headers['host']}{self.path}"
        is_good = (
            headers["content-type"] == "application/x-www-form-urlencoded"
            and has_date(form)
            and by_twilio(url, form, headers["x-twilio-signature"])
            and by_standard(body, headers)
            and not by_standard(body + "&a=b", headers)
        )
        if not is_good:
            print("refused", headers, body, flush=True)
            return self.answer(403)
        if failing:
            failing.clear()
            print("failed", form["MessageStatus"], flush=True)
            return self.answer(500)
        print(form["MessageStatus"], form["MessageSid"], form["To"], headers["webhook-id"], flush=True)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Receiver)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(os.environ["CERTIFICATE"], os.environ["KEY"])
server.socket = tls.wrap_socket(server.socket, server_side=True)
server.serve_forever()
