#!/usr/bin/python3
"""A token endpoint over HTTPS. What it says is Authlib's: grants, rotation, errors, the device flow; this file gives it
a socket, a memory, and the ways to misbehave.

Usage: token_endpoint.py CERT KEY

Prints `ready PORT`. Reads commands from standard input, one JSON object per line, and answers each with one:
  {"set": {...}}    options, see OPTIONS         {"approve": CODE}, {"deny": CODE}    a person in a browser
  {"consent": URL}  opens an address and consents; where the browser ends
  {"log": true}     the requests so far          {"refresh_tokens": true}    those that are good now
  {"revoke": TOKEN} a refresh token              {"access_tokens": true}     all there ever were, the newest last
  {"secrets": true} everything that nobody may see
"""

from __future__ import annotations

import json
import ssl
import sys
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Optional
from urllib.parse import parse_qsl

from authlib.common.security import generate_token
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request, TokenMixin, grants
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc8628 import (DEVICE_CODE_GRANT_TYPE, DeviceAuthorizationEndpoint, DeviceCodeGrant,
                                    DeviceCredentialDict)

OPTIONS: dict[str, Any] = {
    "mode": "well",         # or hang, garbage, huge, endless, redirect, close, array, HTTP status as a number
    "lifetime": 3600,       # of access tokens
    "rotate": False,        # every refresh gives a new refresh token and ends the old one
    "delay": 0.0,           # before each answer
    "refresh_ends": None,   # refresh_token_expires_in
    "slow_down": 0,         # that many times in the device flow
    "interval": 1,          # of the device flow
    "code_life": 600,       # of the device flow
    "offline": True,        # the device flow gives a refresh token
    "secret": "client/secret+1",
}
FIRST = "refresh-first.0123456789"


class Client(ClientMixin):
    def __init__(self, name: str) -> None:
        self.name = name

    def get_client_id(self) -> str:
        return self.name

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def has_client_secret(self) -> bool:
        return self.name != "public"

    def check_client_secret(self, secret: str) -> bool:
        return secret == OPTIONS["secret"]

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in (("none",) if self.name == "public" else ("client_secret_post", "client_secret_basic"))

    check_token_endpoint_auth_method = check_endpoint_auth_method

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri.startswith("http://127.0.0.1:")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type != "refresh_token" or OPTIONS["offline"]


class Token(TokenMixin):
    def __init__(self, values: dict[str, Any], client: Client) -> None:
        self.values, self.client = values, client

    def check_client(self, client: Client) -> bool:
        return client.name == self.client.name

    def get_scope(self) -> str:
        return str(self.values.get("scope", ""))

    def get_expires_in(self) -> int:
        return int(OPTIONS["lifetime"])


class Memory:
    """Everything the endpoint knows."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.log: list[dict[str, Any]] = []
        self.access: list[str] = []
        self.refresh: dict[str, Token] = {}
        self.devices: dict[str, DeviceCredentialDict] = {}
        self.codes: dict[str, Code] = {}
        self.grants: dict[str, tuple[str, bool]] = {}
        self.secrets: set[str] = set()
        for name in ("confidential", "public"):
            token = FIRST if name == "confidential" else FIRST + "-public"
            self.refresh[token] = Token({"refresh_token": token, "scope": "mail offline"}, Client(name))


MEMORY = Memory()


class Refresh(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_post", "client_secret_basic", "none"]

    @property
    def INCLUDE_NEW_REFRESH_TOKEN(self) -> bool:
        return bool(OPTIONS["rotate"])

    def authenticate_refresh_token(self, refresh_token: str) -> Optional[Token]:
        return MEMORY.refresh.get(refresh_token)

    def authenticate_user(self, credential: Token) -> str:
        return "user"

    def revoke_old_credential(self, credential: Token) -> None:
        if OPTIONS["rotate"]:
            MEMORY.refresh.pop(credential.values["refresh_token"], None)


class Code:
    """What a browser brings back, until it is used."""

    def __init__(self, request: OAuth2Request) -> None:
        self.client_id, self.redirect_uri, self.scope = request.client_id, request.redirect_uri, request.scope
        self.code_challenge = request.data.get("code_challenge")
        self.code_challenge_method = request.data.get("code_challenge_method")

    def get_redirect_uri(self) -> str:
        return str(self.redirect_uri)

    def get_scope(self) -> str:
        return str(self.scope)


class AuthorizationCode(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_post", "client_secret_basic", "none"]

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        MEMORY.codes[code] = Code(request)
        MEMORY.secrets.add(code)

    def query_authorization_code(self, code: str, client: Client) -> Optional[Code]:
        return MEMORY.codes.get(code)

    def delete_authorization_code(self, authorization_code: Code) -> None:
        MEMORY.codes = {code: kept for code, kept in MEMORY.codes.items() if kept is not authorization_code}

    def authenticate_user(self, authorization_code: Code) -> str:
        return "user"


class ClientCredentials(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_post", "client_secret_basic"]


class Device(DeviceCodeGrant):
    def query_device_credential(self, device_code: str) -> Optional[DeviceCredentialDict]:
        return MEMORY.devices.get(device_code)

    def query_user_grant(self, user_code: str) -> Optional[tuple[str, bool]]:
        return MEMORY.grants.get(user_code)

    def should_slow_down(self, credential: DeviceCredentialDict) -> bool:
        OPTIONS["slow_down"] -= 1
        return bool(OPTIONS["slow_down"] >= 0)


class DeviceStart(DeviceAuthorizationEndpoint):
    @property
    def INTERVAL(self) -> int:
        return int(OPTIONS["interval"])

    @property
    def EXPIRES_IN(self) -> int:
        return int(OPTIONS["code_life"])

    def get_verification_uri(self) -> str:
        return "https://login.example/device"

    def save_device_credential(self, client_id: str, scope: str, data: dict[str, Any]) -> None:
        MEMORY.secrets.add(data["device_code"])
        MEMORY.devices[data["device_code"]] = DeviceCredentialDict(
            dict(data, client_id=client_id, scope=scope, expires_at=time.time() + data["expires_in"]))


class Server(AuthorizationServer):
    def query_client(self, client_id: str) -> Optional[Client]:
        return Client(client_id) if client_id in ("confidential", "public") else None

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        MEMORY.access.append(token["access_token"])
        MEMORY.secrets.update(token[name] for name in ("access_token", "refresh_token") if name in token)
        if "refresh_token" in token:
            MEMORY.refresh[token["refresh_token"]] = Token(dict(token), request.client)
            if OPTIONS["refresh_ends"]:
                token["refresh_token_expires_in"] = OPTIONS["refresh_ends"]

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        return request

    def send_signal(self, name: str, *_: Any, **__: Any) -> None:
        """Nobody listens."""

    def handle_response(self, status: int, body: Any, headers: Any) -> tuple[int, Any, Any]:
        return status, body, headers


def make_server() -> Server:
    server = Server(scopes_supported=["mail", "offline"])
    server.register_token_generator("default", BearerTokenGenerator(
        lambda **_: "access-" + generate_token(40), lambda **_: "refresh-" + generate_token(40),
        lambda *_: OPTIONS["lifetime"]))
    server.register_grant(AuthorizationCode, [CodeChallenge(required=True)])
    for grant in (Refresh, ClientCredentials, Device):
        server.register_grant(grant)
    server.register_endpoint(DeviceStart)
    return server


SERVER = make_server()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        form = dict(parse_qsl(body, keep_blank_values=True))
        entry = {"path": self.path, "form": form, "headers": dict(self.headers), "at": time.time()}
        with MEMORY.lock:
            MEMORY.log.append(entry)
        time.sleep(OPTIONS["delay"])
        if OPTIONS["mode"] != "well" and not self.path.startswith("/well"):
            return self.misbehave(OPTIONS["mode"])
        request = OAuth2Request("POST", f"https://localhost{self.path}", form, dict(self.headers))
        with MEMORY.lock:
            if self.path == "/device":
                status, answer, _ = SERVER.create_endpoint_response("device_authorization", request)
            else:
                status, answer, _ = SERVER.create_token_response(request)
            entry["status"] = status
        self.reply(status, json.dumps(answer).encode())

    def do_GET(self) -> None:
        """Only a redirect that was followed leads here."""
        MEMORY.log.append({"path": "GET " + self.path})
        self.reply(200, json.dumps({"access_token": "stolen", "expires_in": 3600}).encode())

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def misbehave(self, mode: Any) -> None:
        if mode == "hang":
            time.sleep(60)
        elif mode == "garbage":
            self.reply(200, b"<html>\0\x1b[31mnot here\xff</html>")
        elif mode == "array":
            self.reply(200, b'[{"access_token":"x"}]')
        elif mode == "huge":
            self.reply(200, b'{"access_token":"' + b"x" * 1_000_000 + b'"}')
        elif mode == "endless":
            self.send_response(200)
            self.end_headers()
            while True:
                self.wfile.write(b" " * 65536)
        elif mode == "redirect":
            self.reply(307, b"", Location="/well/elsewhere")
        elif mode == "echo":
            length = MEMORY.log[-1]["form"]
            self.reply(400, json.dumps({"error": "invalid_grant", "error_description": json.dumps(length)}).encode())
        elif isinstance(mode, int):
            self.reply(mode, b'{"error":"server_error"}' if mode >= 500 else b"{}")
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


class Https(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, cert: str, key: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The handshake belongs to the thread of the request: one client that stops in it holds up nobody."""
        request.settimeout(60)
        try:
            with self.context.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)
        except OSError:
            pass    # it has gone away

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A mistake of this script; a client that goes away is none."""
        traceback.print_exc()


def obey(command: dict[str, Any]) -> Any:
    name, value = next(iter(command.items()))
    with MEMORY.lock:
        if name == "set":
            OPTIONS.update(value)
        elif name in ("approve", "deny"):
            MEMORY.grants[value] = ("user", name == "approve")
        elif name == "consent":
            request = OAuth2Request("GET", value, None, {})
            status, _, headers = SERVER.create_authorization_response(request, grant_user="user")
            return dict(headers).get("Location", f"nowhere, status {status}")
        elif name == "log":
            return list(MEMORY.log)
        elif name == "refresh_tokens":
            return list(MEMORY.refresh)
        elif name == "revoke":
            return MEMORY.refresh.pop(value, None) is not None
        elif name == "access_tokens":
            return list(MEMORY.access)
        elif name == "secrets":
            return sorted(MEMORY.secrets | {OPTIONS["secret"], FIRST})
        return True


def main() -> None:
    server = Https(*sys.argv[1:3])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"ready {server.server_address[1]}", flush=True)
    for line in sys.stdin:
        print(json.dumps(obey(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
