"""Servers for benchmarks, with new demo databases and free ports."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

THIS_CHECKOUT = Path(__file__).resolve().parents[2]
# The work of an embedded worker would be measured too.
WITHOUT_WORKER = {"IMATCH_EMBEDDED_WORKER": "false"}


def demo_database(
    file: Path, *, checkout: Path = THIS_CHECKOUT, providers: int = 2_000, seekers: int = 200
) -> str:
    """Create a SQLite database with demo people, using the code of `checkout`. Returns its URL."""
    url = f"sqlite:///{file}"
    counts = ["--providers", str(providers), "--seekers", str(seekers)]
    for command in (["migrate"], ["demo", *counts]):
        subprocess.run(
            [*_imatch(checkout), *command],
            cwd=checkout,
            env=_environment(url),
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return url


@dataclass(frozen=True, slots=True)
class Server:
    base_url: str
    process_id: int

    def processor_seconds(self) -> float:
        """The processor time of the process so far; 0 if the system has no /proc."""
        try:
            stat = Path(f"/proc/{self.process_id}/stat").read_text(encoding="ascii")
        except FileNotFoundError:
            return 0.0
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(
    url: str, *, checkout: Path = THIS_CHECKOUT, settings: Mapping[str, str]
) -> Iterator[Server]:
    """Run a server of the checkout on the database, with these IMATCH_* settings."""
    port = free_port()
    server = subprocess.Popen(
        [*_imatch(checkout), "serve", "--port", str(port)],
        cwd=checkout,
        env=_environment(url) | settings,
        stdout=subprocess.DEVNULL,
    )
    try:
        base_url = f"http://127.0.0.1:{port}"
        _wait_until_healthy(base_url)
        yield Server(base_url, server.pid)
    finally:
        server.terminate()
        server.wait(20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _imatch(checkout: Path) -> list[str]:
    """The command `imatch` of a checkout. Other checkouts need their own .venv."""
    if checkout.resolve() == THIS_CHECKOUT:
        return [sys.executable, "-m", "imatch"]
    python = checkout.resolve() / ".venv" / "bin" / "python"
    if not python.exists():
        sys.exit(f"{checkout} has no .venv: call `make test` there first")
    return [str(python), "-m", "imatch"]


def _environment(url: str) -> dict[str, str]:
    return {**os.environ, "IMATCH_DATABASE_URL": url}


def _wait_until_healthy(base_url: str) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"{base_url}/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    sys.exit("the server did not answer within 30 seconds")
