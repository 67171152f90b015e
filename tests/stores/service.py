#!/usr/bin/env python3
"""A JSON service on loopback that speaks the protocol of the embedded cluster's key-value store, for tests/stores.

Usage: service.py PORT
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOCK = threading.Lock()
KEYS = {}
SETS = {}


def answer(method, parts, body):
    """The status and the body for a request."""
    if method == "GET" and parts[0] == "kv":
        return (200, KEYS[parts[1]]) if parts[1] in KEYS else (404, "")
    if method == "PUT" and parts[0] == "kv":
        KEYS[parts[1]] = body
        return 200, ""
    if method == "POST" and parts[0] == "cas":
        wanted = json.loads(body)
        if KEYS.get(parts[1]) != wanted["from"]:
            return 409, json.dumps({"actual": KEYS.get(parts[1])})
        KEYS[parts[1]] = wanted["to"]
        return 200, ""
    if method == "PUT" and parts[0] == "set":
        SETS.setdefault(parts[1], []).append(parts[2])
        return 200, ""
    if method == "GET" and parts[-2] == "set":
        return 200, json.dumps(SETS.get(parts[-1], []))
    return 405, ""


class Handler(BaseHTTPRequestHandler):
    """Keeps connections open, as services do."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def serve(self):
        """Does one request at a time."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        with LOCK:
            status, text = answer(self.command, self.path.strip("/").split("/"), body)
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_PUT = do_POST = serve

    def log_message(self, *_):
        """Says nothing."""


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
