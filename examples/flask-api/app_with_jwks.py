"""
A Flask API that verifies access tokens itself, with PyJWT and Latchkey's key set, without a sidecar.

What it does not get: revocation. A token that was revoked is good here until it expires, five minutes by default.
"""
import os

import jwt
from flask import Flask, abort, jsonify, request

ISSUER = os.environ["ISSUER"]
AUDIENCE = os.environ["AUDIENCE"]

app = Flask(__name__)
keys = jwt.PyJWKClient(f"{ISSUER}/.well-known/jwks.json")


def caller():
    """The claims of the access token. @spec RFC 9068 section 4"""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        if scheme.lower() != "bearer" or jwt.get_unverified_header(token).get("typ") != "at+jwt":
            abort(401)
        key = keys.get_signing_key_from_jwt(token).key
        required = ["exp", "iat", "sub", "client_id", "jti"]
        claims = jwt.decode(
            token, key, algorithms=["ES256"], audience=AUDIENCE, issuer=ISSUER, options={"require": required}
        )
    except jwt.PyJWTError:
        abort(401)
    if "cnf" in claims:  # whoever holds a bound token must prove it, and nobody looks at a proof here
        abort(401)
    return claims


@app.get("/orders")
def orders():
    return jsonify(subject=caller()["sub"])


if __name__ == "__main__":
    app.run("127.0.0.1", int(os.environ.get("PORT", "5000")))
