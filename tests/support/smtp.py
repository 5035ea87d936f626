"""A real mail server on the loopback address, and a certificate for it."""

import asyncio
import ipaddress
import socket
import threading
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from imatch.core.clock import now

USER, PASSWORD = "imatch", "a password of the mail server"


class Inbox:
    """The messages the server accepted. `arrived` is set whenever a message was received."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.senders: list[object] = []
        self.arrived = threading.Event()
        self.answer = "250 Accepted"
        self.hang = False
        self._delayed: tuple[asyncio.AbstractEventLoop, asyncio.Future[None]] | None = None

    def release(self) -> None:
        """Accept the message that is delayed by `hang`."""
        assert self._delayed is not None
        loop, future = self._delayed
        loop.call_soon_threadsafe(future.set_result, None)

    async def handle_DATA(  # noqa: N802 -- aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.hang:
            self._delayed = (server.loop, server.loop.create_future())
            self.arrived.set()
            await self._delayed[1]
        self.arrived.set()
        if self.answer.startswith("250"):
            parsed = message_from_bytes(cast("bytes", envelope.content), policy=default)
            self.messages.append(parsed)
            self.senders.append(session.auth_data)
        return self.answer


def authenticate(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object
) -> AuthResult:
    right = data == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, auth_data=USER)


def start(inbox: Inbox, **options: Any) -> Controller:  # noqa: ANN401 -- options of the server's class
    options.setdefault("port", free_port())
    controller = Controller(inbox, hostname="127.0.0.1", **options)
    controller.start()
    return controller


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / "certificate.pem", folder / "key.pem"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate_path, key_path
