import itertools
import json
import socket
import stat
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from commercekit.errors import ConfigurationError
from commercekit.testing.vendors import Delivery, FakeFolder, FakeVendor, play


class Till(FakeVendor):
    """A vendor who counts, forgets nothing, and tells whoever asked to be told."""

    def __init__(self, home):
        self.home = home
        self.sales = []
        self.owed = deque()
        self.told = []
        self.stumbles = []
        self.changed = threading.Event()

    def answer(self, request):
        if request.url.path == "/broken":
            raise LookupError("not what a vendor does")
        if request.url.path == "/nothing":
            return httpx.Response(204, headers={"Set-Cookie": "a=1"})
        if request.method == "POST":
            self.sales.append(request.content.decode())
            if hook := request.headers.get("Tell"):
                self.owed.append((f"sale-{len(self.sales)}", hook))
        return httpx.Response(200, json={"sales": self.sales, "query": request.url.query.decode()})

    def settings(self):
        return f'[payments.accounts.till.default]\naddress = "{self.home.address}"\n'

    def due(self):
        if self.stumbles:
            self.stumbles.pop()
            raise LookupError("not what a vendor does")
        return [
            Delivery(key, httpx.Request("POST", hook, content=key.encode()))
            for key, hook in self.owed
        ]

    def delivered(self, key, answer):
        self.told.append((key, None if answer is None else answer.status_code))
        if answer is not None:
            self.owed.popleft()
        self.changed.set()

    def remember(self):
        return json.dumps(self.sales).encode()

    def recall(self, books):
        self.sales = json.loads(books)


@pytest.fixture
def folder(tmp_path):
    return FakeFolder(tmp_path, "till")


@pytest.fixture
def till(folder):
    made = []

    def make(home):
        made.append(Till(home))
        return made[-1]

    with play(make, folder, host="127.0.0.1", port=0, shop="http://shop.test") as server:
        yield made[-1], server.address


@pytest.fixture
def shop():
    """Takes notifications, and asks the vendor back before it answers."""
    heard, asks = [], []

    class Shop(BaseHTTPRequestHandler):
        def do_POST(self):
            heard.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            heard.extend(str(httpx.get(at).status_code) for at in asks)
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", heard, asks
        server.shutdown()


def test_a_vendor_answers_at_its_address(till):
    _, address = till
    assert httpx.get(f"{address}/?a=%E9&b=+").json() == {"sales": [], "query": "a=%E9&b=+"}
    assert httpx.post(address, content="tea").json()["sales"] == ["tea"]
    assert httpx.head(address).content == b""
    empty = httpx.get(f"{address}/nothing")
    assert (empty.status_code, empty.headers["set-cookie"]) == (204, "a=1")
    assert "content-length" not in empty.headers


def test_a_client_may_name_the_whole_address_in_its_request(till):
    _, address = till
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as line:
        line.sendall(
            f"GET {address}/?whole=1 HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        )
        told = b"".join(iter(lambda: line.recv(4096), b""))
    assert told.startswith(b"HTTP/1.1 200 ")
    assert told.endswith(b'"query":"whole=1"}')


def test_a_vendor_that_fails_goes_on(till):
    _, address = till
    assert httpx.get(f"{address}/broken").status_code == 500
    assert httpx.get(address).status_code == 200


def test_a_body_without_a_length_or_beyond_all_measure_is_not_read(till):
    vendor, address = till
    pieces = (each for each in (b"t", b"ea"))
    assert httpx.post(address, content=pieces).status_code == 411
    headers = {"Content-Length": str(2**40)}
    request = (
        f"POST / HTTP/1.1\r\nHost: till\r\nContent-Length: {headers['Content-Length']}\r\n\r\n"
    )
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as line:
        line.sendall(request.encode())
        assert line.recv(100).startswith(b"HTTP/1.1 413 ")
    assert vendor.sales == []


def test_its_books_outlive_it(folder):
    for sale in ("tea", "rice"):
        with play(Till, folder, host="127.0.0.1", port=0, shop="") as server:
            httpx.post(server.address, content=sale)
    with play(Till, folder, host="127.0.0.1", port=folder.port, shop="") as server:
        assert folder.address is not None
        assert server.address == f"http://{folder.address}"
        assert httpx.get(server.address).json()["sales"] == ["tea", "rice"]


def test_books_that_cannot_be_read_begin_anew(folder):
    folder.path.mkdir(parents=True)
    (folder.path / "books").write_bytes(b"{")
    with play(Till, folder, host="127.0.0.1", port=0, shop="") as server:
        assert httpx.post(server.address, content="tea").json()["sales"] == ["tea"]
    assert json.loads((folder.path / "books").read_bytes()) == ["tea"]


def test_a_notification_is_sent_until_it_was_taken(till, shop):
    vendor, address = till
    hook, heard, asks = shop
    vendor.stumbles.append(1)  # costs a round and no more
    asks.append(address)  # it may be asked while it waits for the answer
    closed = socket.create_server(("127.0.0.1", 0))
    nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    closed.close()
    httpx.post(address, content="tea", headers={"Tell": nobody})
    assert vendor.changed.wait(30)
    assert vendor.told[0] == ("sale-1", None)
    vendor.owed[0] = ("sale-1", hook)
    for _ in itertools.takewhile(lambda _: not heard or vendor.owed, range(300)):
        vendor.changed.clear()
        vendor.changed.wait(0.1)
    assert heard == ["sale-1", "200"]
    assert vendor.told[-1] == ("sale-1", 202)


def test_its_keys_are_made_once_and_read_by_its_owner_alone(till, folder):
    vendor, _ = till
    kept = [vendor.home.keep("till.pem", lambda: b"first"), vendor.home.keep("till.pem", bytes)]
    assert kept == [b"first", b"first"]
    modes = {stat.S_IMODE(each.stat().st_mode) for each in folder.path.iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_a_port_that_is_taken_is_named(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"till cannot be played on 127.0.0.1:{port}"):
            play(Till, folder, host="127.0.0.1", port=port, shop="")
    assert not folder.settings.exists()
