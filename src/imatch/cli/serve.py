"""`imatch serve`: the web server."""

import socket
from dataclasses import asdict
from typing import Annotated

import typer
import uvicorn
from rich.progress import Progress
from uvicorn.supervisors import Multiprocess

from imatch.cli.output import JsonLinesOption, err, log_json_lines, out, print_event
from imatch.core.database import engine
from imatch.core.errors import Conflict
from imatch.core.settings import get_settings
from imatch.operations import setup
from imatch.web.rendering import AssetsNotBuilt, assets_are_built

_SHUTDOWN_TIMEOUT_SECONDS = 10
_BACKLOG = 2_048


class CannotServe(Conflict):
    code = "cannot_serve"


def serve(
    *,
    host: Annotated[
        str | None, typer.Option(help="The address to listen at, instead of IMATCH_HOST.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="The port, instead of IMATCH_PORT.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that serve.")] = 1,
    prepare: Annotated[
        bool,
        typer.Option("--setup", help="First create the tables and, if empty, demo people."),
    ] = False,
    as_json: JsonLinesOption = False,
) -> None:
    """Serve the marketplace."""
    if as_json:
        log_json_lines()
    settings = get_settings()
    host, port = host or settings.host, port or settings.port
    if workers > 1 and settings.embedded_worker:
        raise CannotServe(
            "Several processes would each run background jobs. Set IMATCH_EMBEDDED_WORKER=false"
            " and run `imatch worker` beside them."
        )
    if not assets_are_built():
        raise CannotServe(str(AssetsNotBuilt()))
    with _bound_socket(host, port) as listener:
        if prepare:
            _print_prepared(_prepare(demo=not settings.production), as_json=as_json)
        setup.require_migrated(engine())
        listener.listen(_BACKLOG)  # connections wait while the server starts
        _print_serving(
            f"http://[{host}]" if ":" in host else f"http://{host}", port, as_json=as_json
        )
        _run(listener, workers, settings.trusted_proxies)


def _run(listener: socket.socket, workers: int, trusted_proxies: str) -> None:
    config = uvicorn.Config(
        "imatch.app:create_app",
        factory=True,
        workers=workers,
        backlog=_BACKLOG,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=trusted_proxies,
        server_header=False,
        access_log=False,  # our own log has a line for every request
        log_level="warning",
        timeout_graceful_shutdown=_SHUTDOWN_TIMEOUT_SECONDS,
    )
    if workers > 1:
        Multiprocess(config, sockets=[listener]).run()
        return
    server = uvicorn.Server(config)
    server.run(sockets=[listener])
    if not server.started:
        raise CannotServe("The server did not start; the lines above say why.")


def _prepare(*, demo: bool) -> setup.SetupResult:
    with Progress(console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(
            "Inventing people", total=setup.DEMO_PROVIDERS + setup.DEMO_SEEKERS, visible=False
        )
        return setup.prepare(
            engine(),
            demo=demo,
            progress=lambda done: bar.update(task, advance=done, visible=True),
        )


def _print_prepared(result: setup.SetupResult, *, as_json: bool) -> None:
    if as_json:
        print_event("prepared", revision=result.revision, demo=result.demo and asdict(result.demo))
    elif result.demo:
        out.print(
            f"Added {result.demo.providers} fictional providers and {result.demo.seekers} seekers."
        )


def _print_serving(host_url: str, port: int, *, as_json: bool) -> None:
    if as_json:
        print_event("serving", url=f"{host_url}:{port}")
    else:
        out.print(f"I MATCH serves {host_url}:{port} (stop it with Ctrl+C)", highlight=False)


def _bound_socket(host: str, port: int) -> socket.socket:
    try:
        (family, kind, protocol, _, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise CannotServe(
            f"Cannot listen at {host}, port {port}: {error.strerror}. Does a server run there"
            " already? Another port: imatch serve --port 8402"
        ) from error
    return listener
