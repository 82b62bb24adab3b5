"""Real providers on loopback: an honest one (oidc-provider-mock, with its own HTTP endpoints), and one that does as told."""

import base64
import hashlib
import importlib
import json
import secrets
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import requests
from allauth.socialaccount.models import SocialApp
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client

from adsum.accounts import identities
from adsum.accounts.models import Person
from adsum.checkin.gate.http import DEVICE_COOKIE
from adsum.core import vault
from adsum.integrations.sign_in.allauth import OIDC
from adsum.integrations.sign_in.oidc import SECRET, provider_id_of
from adsum.integrations.sign_in.straight import Doors
from tests.kit.world import NINE

with warnings.catch_warnings():  # what it is built on warns of its own future, and asks to be heard
    importlib.import_module("authlib.deprecate")
    warnings.simplefilter("ignore")
    from oidc_provider_mock import run_server_in_thread

CLIENT = "adsum"


def register(issuer: str, *, domains: tuple[str, ...] = ("uni.example",), **settings: Any) -> SocialApp:
    """Tell Adsum of a provider."""
    return SocialApp.objects.create(
        provider=OIDC,
        provider_id=provider_id_of(issuer),
        name="Uni",
        client_id=CLIENT,
        settings={"server_url": issuer, "domains": list(domains), "secret": vault.seal("s3cret", purpose=SECRET), **settings},
    )


@dataclass
class Honest:
    """oidc-provider-mock, and what a person does at it."""

    issuer: str

    def person(self, subject: str, **claims: Any) -> None:
        requests.put(f"{self.issuer}/users/{subject}", json=claims, timeout=5).raise_for_status()

    def sign_in(self, address: str, subject: str) -> str:
        """Choose `subject` on the provider's own page; the address it sends the browser back to."""
        answer = requests.post(address, data={"sub": subject}, allow_redirects=False, timeout=5)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def deny(self, address: str) -> str:
        answer = requests.post(address, data={"action": "deny"}, allow_redirects=False, timeout=5)
        return answer.headers["Location"]


@contextmanager
def honest(port: int = 0) -> Iterator[Honest]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with run_server_in_thread(port) as server:
            yield Honest(f"http://localhost:{server.server_port}")


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@dataclass
class Obliging:
    """A provider that checks what an honest one checks (client, redirect, PKCE, one use of a code) and signs whatever
    the test wants it to: `claims` outweigh its own, a `mint` of the test's replaces the ID token altogether."""

    key: rsa.RSAPrivateKey = field(default_factory=new_key)
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    description: dict[str, Any] = field(default_factory=dict)
    mint: Callable[[dict[str, Any]], Any] | None = None
    token_status: int = 200
    date: str = ""
    """The time it says it is; '' for the right one."""
    token_body: bytes | None = None
    issuer: str = ""
    asked: dict[str, dict[str, str]] = field(default_factory=dict)
    """What each code was given for."""
    seen: list[dict[str, str]] = field(default_factory=list)
    """Every authorisation request."""
    away: bool = False
    """Whether it answers nothing but that it is out of order."""
    keys_read: int = 0
    """How often its keys were asked for."""

    @property
    def address(self) -> str:
        """Where it is; some write their issuer with a "/" at the end."""
        return self.issuer.removesuffix("/")

    def sign(self, claims: dict[str, Any], *, key: Any = None, algorithm: str = "RS256", kid: str = "one") -> str:
        return jwt.encode(claims, key or self.key, algorithm=algorithm, headers={"kid": kid})

    def authorise(self, address: str, **back: str) -> str:
        """The person agrees; the address their browser is sent back to."""
        wish = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        self.seen.append(wish)
        code = secrets.token_urlsafe(16)
        self.asked[code] = wish
        return f"{wish['redirect_uri']}?{urlencode({'code': code, 'state': wish['state'], **back})}"

    def redeem(self, form: dict[str, str]) -> tuple[int, Any]:
        wish = self.asked.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        right = wish is not None and (
            form["client_id"] == wish["client_id"] == CLIENT
            and form["client_secret"] == "s3cret"
            and form["redirect_uri"] == wish["redirect_uri"]
            and wish["code_challenge_method"] == "S256"
            and challenge.rstrip(b"=").decode() == wish["code_challenge"]
        )
        if wish is None or not right:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "sub-1",
            "iat": now,
            "exp": now + 300,
            "nonce": wish["nonce"],
        } | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        token = self.mint(claims) if self.mint else self.sign(claims)
        return self.token_status, {
            "access_token": "the-access-token",
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": token,
        }


class _Endpoints(BaseHTTPRequestHandler):
    provider: Obliging

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def date_time_string(self, timestamp: Any = None) -> str:
        return self.provider.date or super().date_time_string(timestamp)

    def _answer(self, status: int, body: Any) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self) -> None:
        us = self.provider
        if us.away:
            self._answer(503, {})
            return
        match urlsplit(self.path).path:
            case "/.well-known/openid-configuration":
                self._answer(
                    200,
                    {
                        "issuer": us.issuer,
                        "authorization_endpoint": f"{us.address}/authorise",
                        "token_endpoint": f"{us.address}/token",
                        "userinfo_endpoint": f"{us.address}/userinfo",
                        "jwks_uri": f"{us.address}/keys",
                        "token_endpoint_auth_methods_supported": ["client_secret_post"],
                    }
                    | us.description,
                )
            case "/keys":
                us.keys_read += 1
                public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(us.key.public_key()))
                self._answer(200, {"keys": [public | {"kid": "one", "use": "sig"}]})
            case "/userinfo":
                self._answer(200, us.userinfo)
            case _:
                self._answer(404, {})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
        status, body = self.provider.redeem({name: values[0] for name, values in parse_qs(raw).items()})
        self._answer(status, body if self.provider.token_body is None else self.provider.token_body)


@contextmanager
def obliging() -> Iterator[Obliging]:
    provider = Obliging()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Endpoints", (_Endpoints,), {"provider": provider}))
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# Straight from a scan

TAG = "the-tag-of-a-phone"


def link(app: SocialApp, person: Person, subject: str = "sub-1") -> Person:
    """This person has signed in with that provider before."""
    issuer = app.settings["server_url"]
    identities.link_identity(person, provider=app.provider_id, subject=subject, issuer=issuer, by="system:test", at=NINE)
    return person


def phone(tag: str = TAG) -> Client:
    """A browser that has scanned."""
    client = Client(HTTP_USER_AGENT="Mozilla/5.0 (Linux; Android 15) Chrome/142.0 Mobile")
    client.cookies[DEVICE_COOKIE] = tag
    return client


def lead(named: str = "", tag: str = TAG) -> str:
    """Where the page of its scan leads."""
    doors = Doors()
    doors.read()
    return doors.lead(named, tag, int(time.time() * 1000))


def back(client: Client, address: str) -> Any:
    """The provider sends the browser back."""
    parts = urlsplit(address)
    return client.get(f"{parts.path}?{parts.query}")


def comes_in(uni: Obliging, client: Client | None = None) -> tuple[Client, Any]:
    """From a scan to the provider and back: the browser, and our answer."""
    client = client or phone()
    return client, back(client, uni.authorise(lead(tag=client.cookies[DEVICE_COOKIE].value)))
