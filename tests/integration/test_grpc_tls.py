"""TLS and mTLS from files: who gets in, and what happens when the files change."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import grpc.aio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gaveld.transport.grpc.server import GrpcServerOptions
from gaveld.transport.grpc.tls import Certificates, TlsOptions
from tests.integration.grpc_stand import Running, Serve


class Authority:
    """A certificate authority that lives as long as a test."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self._name, self._key.public_key(), is_authority=True)

    def pem(self) -> bytes:
        """Return the authority's own certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, name: str) -> tuple[bytes, bytes]:
        """Return a new key and its certificate, both PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._sign(subject, key.public_key(), is_authority=False)
        return (
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
            certificate.public_bytes(serialization.Encoding.PEM),
        )

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, is_authority: bool
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(self._key, hashes.SHA256())
        )


def write(folder: Path, authority: Authority, *, client_ca: Authority | None = None) -> TlsOptions:
    """Write a new pair of the authority into the folder, as a rotation would: by renaming."""
    key, certificate = authority.issue("localhost")
    content = {"tls.key": key, "tls.crt": certificate}
    if client_ca is not None:
        content["ca.crt"] = client_ca.pem()
    for name, pem in content.items():
        (folder / f"{name}.new").write_bytes(pem)
        (folder / f"{name}.new").replace(folder / name)
    ca_file = folder / "ca.crt" if client_ca else None
    return TlsOptions(folder / "tls.crt", folder / "tls.key", ca_file)


async def check(running: Running, credentials: grpc.ChannelCredentials) -> grpc.StatusCode:
    """Return what a health check over a new connection comes to."""
    options = [
        ("grpc.ssl_target_name_override", "localhost"),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_retries", 0),
    ]
    target = f"127.0.0.1:{running.ports.grpc}"
    async with grpc.aio.secure_channel(target, credentials, options=options) as channel:
        call = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        return await call.code()


def trusting(
    authority: Authority, pair: tuple[bytes, bytes] | tuple[None, None] = (None, None)
) -> grpc.ChannelCredentials:
    """Return the credentials of a client who trusts the authority."""
    return grpc.ssl_channel_credentials(authority.pem(), *pair)


async def test_a_client_who_trusts_the_authority_gets_in(serve: Serve, tmp_path: Path):
    """Law: TLS serves those who trust its certificate, and nobody in plain text."""
    authority = Authority("ours")
    tls = write(tmp_path, authority)
    running = await serve(options=GrpcServerOptions(port=0, tls=tls))
    assert await check(running, trusting(authority)) is grpc.StatusCode.OK
    assert await check(running, trusting(Authority("theirs"))) is grpc.StatusCode.UNAVAILABLE
    plain = health_pb2_grpc.HealthStub(running.channel).Check(health_pb2.HealthCheckRequest())
    assert await plain.code() is grpc.StatusCode.UNAVAILABLE


async def test_mtls_wants_a_certificate_of_its_authority(serve: Serve, tmp_path: Path):
    """Law: with a client CA, only certificates that it signed get in."""
    ours, clients, others = Authority("ours"), Authority("clients"), Authority("others")
    tls = write(tmp_path, ours, client_ca=clients)
    running = await serve(options=GrpcServerOptions(port=0, tls=tls))
    assert await check(running, trusting(ours, clients.issue("me"))) is grpc.StatusCode.OK
    for pair in ((None, None), others.issue("me")):
        assert await check(running, trusting(ours, pair)) is grpc.StatusCode.UNAVAILABLE


async def test_new_files_serve_the_next_connection(serve: Serve, tmp_path: Path):
    """Law: a rotated certificate is served from the next connection on, without a restart."""
    old, new = Authority("old"), Authority("new")
    running = await serve(options=GrpcServerOptions(port=0, tls=write(tmp_path, old)))
    assert await check(running, trusting(old)) is grpc.StatusCode.OK
    write(tmp_path, new)
    assert await check(running, trusting(new)) is grpc.StatusCode.OK
    assert await check(running, trusting(old)) is grpc.StatusCode.UNAVAILABLE


async def test_files_that_do_not_fit_leave_the_old_pair_in_service(serve: Serve, tmp_path: Path):
    """Law: a half-written rotation harms nobody; once it is whole, it is taken up."""
    old, new = Authority("old"), Authority("new")
    tls = write(tmp_path, old)
    running = await serve(options=GrpcServerOptions(port=0, tls=tls))
    kept = tls.key_file.read_bytes()
    write(tmp_path, new)
    whole = tls.key_file.read_bytes()
    tls.key_file.write_bytes(kept)
    assert await check(running, trusting(old)) is grpc.StatusCode.OK
    tls.certificate_file.unlink()
    assert await check(running, trusting(old)) is grpc.StatusCode.OK
    write(tmp_path, new)
    assert tls.key_file.read_bytes() != whole
    assert await check(running, trusting(new)) is grpc.StatusCode.OK


def test_files_are_read_again_only_when_they_changed(tmp_path: Path):
    """Law: a handshake costs no reading as long as nothing changed."""
    certificates = Certificates(write(tmp_path, Authority("ours")))
    certificates.load()
    assert certificates.if_changed() is None
    write(tmp_path, Authority("theirs"))
    assert certificates.if_changed() is not None
    assert certificates.if_changed() is None


def test_files_that_change_while_they_are_read_are_not_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Law: what is served is what was proven; a rotation in between is taken up the next time."""
    certificates = Certificates(write(tmp_path, Authority("first")))
    certificates.load()
    write(tmp_path, Authority("second"))
    prove = ssl.SSLContext.load_cert_chain

    def prove_and_rotate(*arguments: object, **options: object) -> None:
        prove(*arguments, **options)
        write(tmp_path, Authority("third"))

    with monkeypatch.context() as patched:
        patched.setattr(ssl.SSLContext, "load_cert_chain", prove_and_rotate)
        assert certificates.if_changed() is None
    assert certificates.if_changed() is not None
    assert certificates.if_changed() is None


async def test_a_server_does_not_start_with_files_that_can_not_be_used(
    serve: Serve, tmp_path: Path
):
    """Law: a pair that does not fit together is found out at the start."""
    tls = write(tmp_path, Authority("ours"))
    other = tmp_path / "other"
    other.mkdir()
    write(other, Authority("theirs")).key_file.replace(tls.key_file)
    with pytest.raises(OSError, match="KEY_VALUES_MISMATCH"):
        await serve(options=GrpcServerOptions(port=0, tls=tls))
