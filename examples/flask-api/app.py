"""A Flask API behind nginx and latchkey sidecar: it reads who is asking from the sidecar's assertion."""
import os

import jwt
from flask import Flask, abort, jsonify, request

SIDECAR = os.environ.get("SIDECAR", "http://127.0.0.1:9400")
AUDIENCE = os.environ["AUDIENCE"]

app = Flask(__name__)
keys = jwt.PyJWKClient(f"{SIDECAR}/.well-known/jwks.json")


def caller():
    """The claims of the assertion; whoever comes without one has not come by nginx."""
    try:
        assertion = request.headers["X-Latchkey-Assertion"]
        if jwt.get_unverified_header(assertion).get("typ") != "latchkey-assertion+jwt":
            abort(401)
        key = keys.get_signing_key_from_jwt(assertion).key
        return jwt.decode(
            assertion, key, algorithms=["ES256"], audience=AUDIENCE, issuer=SIDECAR, options={"require": ["exp", "sub"]}
        )
    except (KeyError, jwt.PyJWTError):
        abort(401)


@app.get("/orders")
def orders():
    return jsonify(subject=caller()["sub"], headers=[name for name in request.headers.keys() if "atchkey" in name])


if __name__ == "__main__":
    app.run("127.0.0.1", int(os.environ.get("PORT", "5000")))
