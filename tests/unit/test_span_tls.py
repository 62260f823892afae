"""TLS towards a panel: whose certificate passes, for which names, and what a fingerprint is of (span-v2.md 3.2)."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import anyio
import httpx
import pytest
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSListener

from wattdeck.core.errors import BadAnswer, UsageError
from wattdeck.systems.span.ebus.tls import HOST_MISMATCH, PanelContext, context, fingerprint
from wattdeck.systems.span.simulated.authority import Authority, ServerCertificate

NAME = "span-nt-0000-demo1.local"
ADDRESS = "127.0.0.1"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("nt-0000-demo1")


def server_context(folder: Path, served: ServerCertificate) -> ssl.SSLContext:
    """What a server with this certificate uses."""
    file = folder / "server.pem"
    file.write_text(served.certificate_pem + served.key_pem)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(file)
    return made


def shake_hands(server: ssl.SSLContext, client: Callable[[socket.socket], ssl.SSLSocket]) -> str:
    """What the client reads after the handshake, over a pair of sockets; its error is raised."""
    near, far = socket.socketpair()
    near.settimeout(10)
    far.settimeout(10)

    def serve() -> None:
        try:
            with server.wrap_socket(far, server_side=True) as wrapped:
                wrapped.sendall(b"hello")
        except OSError:
            far.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client(near) as wrapped:
            return wrapped.recv(5).decode()
    finally:
        near.close()
        thread.join()


def accepted(client: PanelContext, server: ssl.SSLContext, host: str = ADDRESS) -> str:
    return shake_hands(server, lambda near: client.wrap_socket(near, server_hostname=host))


@pytest.mark.parametrize(
    ("hosts", "typed", "names"),
    [
        ((NAME, ADDRESS), ADDRESS, ()),
        ((NAME,), NAME.upper() + ".", ()),
        ((NAME,), ADDRESS, (NAME,)),
        ((NAME,), "10.0.0.9", ("other.local", NAME.title())),
        (("::1",), "[0:0::1]", ()),
    ],
)
def test_a_certificate_passes_by_any_of_the_names(
    authority: Authority, tmp_path: Path, hosts: tuple[str, ...], typed: str, names: tuple[str, ...]
) -> None:
    server = server_context(tmp_path, authority.issue(hosts))
    assert accepted(context(authority.pem, names), server, typed) == "hello"


@pytest.mark.parametrize(
    ("typed", "names"), [(ADDRESS, ()), (ADDRESS, ("other.local", "")), ("other.local", ("10.0.0.9",))]
)
def test_a_certificate_for_somebody_else_is_refused_and_named(
    authority: Authority, tmp_path: Path, typed: str, names: tuple[str, ...]
) -> None:
    server = server_context(tmp_path, authority.issue((NAME,)))
    with pytest.raises(ssl.SSLCertVerificationError, match=f"it is for {NAME}") as refused:
        accepted(context(authority.pem, names), server, typed)
    assert refused.value.verify_code == HOST_MISMATCH


def test_a_certificate_for_nobody_is_refused(authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="it is for no host"):
        accepted(context(authority.pem, (NAME,)), server_context(tmp_path, authority.issue(())), NAME)


def test_another_authority_of_the_same_name_is_refused(authority: Authority, tmp_path: Path) -> None:
    server = server_context(tmp_path, Authority("nt-0000-demo1").issue((ADDRESS,)))
    with pytest.raises(ssl.SSLCertVerificationError):
        accepted(context(authority.pem), server)


def test_an_expired_certificate_is_refused(authority: Authority, tmp_path: Path) -> None:
    server = server_context(tmp_path, authority.issue((ADDRESS,), expired=True))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        accepted(context(authority.pem), server)


def test_certificates_without_key_identifiers_pass(tmp_path: Path) -> None:
    plain = Authority("nt-0000-demo1", key_identifiers=False)
    assert accepted(context(plain.pem), server_context(tmp_path, plain.issue((ADDRESS,)))) == "hello"


def test_nothing_older_than_tls_1_2_is_spoken(authority: Authority) -> None:
    assert context(authority.pem).minimum_version is ssl.TLSVersion.TLSv1_2
    assert context(authority.pem).verify_mode is ssl.CERT_REQUIRED


@pytest.mark.anyio
@pytest.mark.parametrize("names", [(), (NAME,)])
async def test_http_asks_nothing_of_a_server_with_another_name(
    authority: Authority, tmp_path: Path, names: tuple[str, ...]
) -> None:
    asked: list[bytes] = []
    async with await anyio.create_tcp_listener(local_host=ADDRESS) as listener, anyio.create_task_group() as group:

        async def answer(stream: ByteStream) -> None:
            async with stream:
                asked.append(await stream.receive())
                await stream.send(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

        secure = TLSListener(listener, server_context(tmp_path, authority.issue((NAME,))), standard_compatible=False)
        group.start_soon(secure.serve, answer)
        port = listener.extra(SocketAttribute.local_port)
        async with httpx.AsyncClient(verify=context(authority.pem, names), trust_env=False) as http:
            if names:
                assert (await http.get(f"https://{ADDRESS}:{port}/")).status_code == 200
            else:
                with pytest.raises(httpx.ConnectError, match="it is for"):
                    await http.get(f"https://{ADDRESS}:{port}/")
        group.cancel_scope.cancel()
    assert len(asked) == len(names)


def test_a_fingerprint_is_that_of_the_certificate(authority: Authority) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    expected = x509.load_pem_x509_certificate(authority.pem.encode()).fingerprint(SHA256()).hex(":")
    assert fingerprint(authority.pem) == fingerprint("\r\n words before\n" + authority.pem) == expected
    assert len(expected) == 95 and fingerprint(Authority("nt-0000-demo1").pem) != expected


BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


@pytest.mark.parametrize(
    "text",
    ["", "<html>503</html>", f"{BEGIN}\n{END}", f"{BEGIN}\nAAAA\n{END}", f"{BEGIN}\nA=A\n{END}", f"{BEGIN} \x00 {END}"],
)
def test_what_is_no_certificate_is_said_to_be_none(text: str) -> None:
    with pytest.raises(BadAnswer, match="not one certificate in PEM form"):
        fingerprint(text)
    with pytest.raises(BadAnswer, match="not one certificate in PEM form"):
        context(text)


def test_a_second_certificate_does_not_slip_in_behind_the_shown_fingerprint(authority: Authority) -> None:
    with pytest.raises(BadAnswer):
        fingerprint(authority.pem + Authority("x").pem)
    with pytest.raises(BadAnswer):
        context(authority.pem + Authority("x").pem)
    with pytest.raises(BadAnswer):
        fingerprint(authority.pem + " " * 100_000)


def test_a_message_without_bounds_is_not_received(authority: Authority, tmp_path: Path) -> None:
    server = server_context(tmp_path, authority.issue((ADDRESS,)))

    def client(near: socket.socket) -> ssl.SSLSocket:
        wrapped = context(authority.pem).wrap_socket(near, server_hostname=ADDRESS)
        with pytest.raises(OSError, match="far too large"):
            wrapped.recv(200_000_000)
        return wrapped

    assert shake_hands(server, client) == "hello"


def test_without_cryptography_the_command_to_install_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(UsageError, match=r"pip install 'wattdeck\[simulator\]'"):
        Authority("nt-0000-demo1")
