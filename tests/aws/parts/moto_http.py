"""moto's tables over HTTP, for whoever asks without a client of botocore's: those that its mocks in this process have."""

import functools
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from botocore.awsrequest import AWSPreparedRequest
from moto.core.models import botocore_stubber

from tests.aws import sam
from tests.e2e.parts.ports import LOOPBACK

_URL = f"https://dynamodb.{sam.PSEUDO['AWS::Region']}.amazonaws.com/"


@functools.cache
def url() -> str:
    """Start the server, once a process, and give its address."""
    server = ThreadingHTTPServer((LOOPBACK, 0), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://{LOOPBACK}:{server.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = AWSPreparedRequest("POST", _URL, self.headers, body, stream_output=False)  # type: ignore[arg-type]
        answered = botocore_stubber.process_request(asked)
        assert answered
        status, headers, said = answered
        text = said.encode() if isinstance(said, str) else said
        head = "".join(
            f"{name}: {value}\r\n" for name, value in headers.items() if name.lower() != "content-length"
        )
        # At once, or the second half waits 40 ms for somebody to have got the first.
        self.wfile.write(f"HTTP/1.1 {status} -\r\nContent-Length: {len(text)}\r\n{head}\r\n".encode() + text)

    def log_message(self, *_: object) -> None:
        """Keep it out of the tests' output."""
