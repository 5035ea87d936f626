"""The cost of pages: requests a second of one process, compared with another checkout.

    python -m bench.http.pages [--against CHECKOUT] [--clients 8] [--seconds 2] [--rounds 3]

Starts one server of each checkout with a new SQLite database of 2,000 demo providers. Each client
keeps one connection and requests one page repeatedly. The checkouts take turns within each round.
Figures are medians of the rounds, and so are the ratios. The server's processor time per request is
the most stable figure on a busy machine. Prints Markdown.
"""

import argparse
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.http.servers import THIS_CHECKOUT, WITHOUT_WORKER, Server, demo_database, serving

WARM_UP_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Page:
    path: str
    note: str = ""

    @property
    def title(self) -> str:
        return f"`{self.path}`{self.note and ', ' + self.note}"

    def request(self, host: str) -> bytes:
        lines = [f"GET {self.path} HTTP/1.1", f"Host: {host}", "Accept-Encoding: gzip", "", ""]
        return "\r\n".join(lines).encode()


# A page with an unknown query is not cached.
PAGES = (
    Page("/"),
    Page("/?each", "rendered each time"),
    Page("/api/v1/categories"),
    Page("/providers"),
    Page("/providers?each", "rendered each time"),
    Page("/providers/financial_advisors"),
    Page("/pot/economy"),
    Page("/health"),
    Page("/static/favicon.svg"),
)


class Connection:
    """A keep-alive connection with a minimal reader: the client uses the same machine."""

    def __init__(self, base_url: str) -> None:
        address = urlsplit(base_url)
        self._socket = socket.create_connection((address.hostname or "", address.port or 80), 30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.host = address.netloc

    def request_page(self, request: bytes) -> None:
        """Send the request and read the answer. Raises RuntimeError unless its status is 200."""
        self._socket.sendall(request)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._read()
        head = received[:end].lower()
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(head.partition(b"\r\n")[0].decode())
        missing = len(head) + 4 - len(received)
        if b"content-length: " in head:
            missing += int(head.split(b"content-length: ")[1].partition(b"\r\n")[0])
            while missing > 0:
                missing -= len(self._read())
        else:  # chunked
            while not received.endswith(b"0\r\n\r\n"):
                received += self._read()

    def _read(self) -> bytes:
        part = self._socket.recv(262_144)
        if not part:
            raise RuntimeError("the server closed the connection")
        return part

    def close(self) -> None:
        self._socket.close()


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one page on one server in one round."""

    requests_per_second: float
    processor_ms: float  # of the server, for each request


def measure_cost(server: Server, page: Page, clients: int, seconds: float) -> Cost:
    """Run a closed loop: each client sends its next request when the last one is answered."""
    counts, errors = [0] * clients, []
    begin = time.perf_counter()
    cpu_seconds = server.processor_seconds()

    def run(client: int) -> None:
        connection = Connection(server.base_url)
        request = page.request(connection.host)
        try:
            while time.perf_counter() < begin + seconds:
                connection.request_page(request)
                counts[client] += 1
        except (OSError, RuntimeError) as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise SystemExit(f"{page.path} of {server.base_url} failed: {errors[0]}")
    cpu_seconds = server.processor_seconds() - cpu_seconds
    count = sum(counts)
    return Cost(count / (time.perf_counter() - begin), cpu_seconds / count * 1_000)


def measure(
    servers: Sequence[Server], page: Page, options: argparse.Namespace
) -> list[tuple[Cost, ...]]:
    """The cost on each server in each round; the servers take turns."""
    for server in servers:
        measure_cost(server, page, options.clients, WARM_UP_SECONDS)
    return [
        tuple(measure_cost(server, page, options.clients, options.seconds) for server in servers)
        for _ in range(options.rounds)
    ]


def row(page: Page, rounds: list[tuple[Cost, ...]]) -> str:
    by_server = list(zip(*rounds, strict=True))
    rates = [statistics.median(cost.requests_per_second for cost in costs) for costs in by_server]
    cpu_ms = [statistics.median(cost.processor_ms for cost in costs) for costs in by_server]
    cells = [page.title, *(f"{rate:,.0f}" for rate in rates)]
    cells += [f"{milliseconds:.2f}" for milliseconds in cpu_ms]
    if len(by_server) > 1:
        more = [now.requests_per_second / before.requests_per_second for before, now in rounds]
        less = [before.processor_ms / now.processor_ms for before, now in rounds]
        cells += [_times(more), _times(less)]
    return f"| {' | '.join(cells)} |"


def _times(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", type=Path, help="a checkout with its own .venv")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=2, help="for each page, server and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", metavar="PATH", help="these paths alone")
    options = parser.parse_args()
    pages = [page for page in PAGES if not options.only or page.path in options.only]
    checkouts = [options.against, THIS_CHECKOUT] if options.against else [THIS_CHECKOUT]
    headings = ["page", "requests/s", "ms of processor"]
    if options.against:
        headings = ["page", "requests/s before", "now", "ms of processor before", "now"]
        headings += ["times more requests", "times less processor"]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = []
        for number, checkout in enumerate(checkouts):
            url = demo_database(folder / f"{number}.db", checkout=checkout)
            server = serving(url, checkout=checkout, settings=WITHOUT_WORKER)
            servers.append(stack.enter_context(server))
        print(f"| {' | '.join(headings)} |\n|{'---|' * len(headings)}")
        for page in pages:
            print(row(page, measure(servers, page, options)), flush=True)


if __name__ == "__main__":
    main()
