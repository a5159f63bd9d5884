"""An authenticator app made of the PyPI package `pyotp`.

Its standard input names apps, each with the address to read and the times, in seconds since 1970, at which
somebody looks at it. It writes what each of them made of its address and shows at those times, and the time by
its own clock."""

import json
import sys
import time
from datetime import datetime, timezone

import pyotp


def shown(app):
    totp = pyotp.parse_uri(app["uri"])
    if not isinstance(totp, pyotp.TOTP):
        raise TypeError(f"not an app of codes by time but {type(totp)}")
    moments = [datetime.fromtimestamp(seconds, timezone.utc) for seconds in app["times"]]
    return {
        "issuer": totp.issuer,
        "account": totp.name,
        "secret": totp.secret,
        "hash": totp.digest().name,
        "digits": totp.digits,
        "period": totp.interval,
        "codes": [totp.at(moment) for moment in moments],
    }


apps = [shown(app) for app in json.load(sys.stdin)]
print(json.dumps({"now": int(time.time()), "apps": apps}))
