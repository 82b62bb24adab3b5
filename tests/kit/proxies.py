"""nginx and Caddy as `deploy/` sets them up, before a server of a test: ports, names, a certificate and one wait are put in."""

import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.kit.commands import free_port

DEPLOY = Path(__file__).parents[2] / "deploy"
STARTS_WITHIN = 30


def program(name: str) -> str | None:
    """Where it is; Debian keeps nginx where only root looks."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")


@contextmanager
def proxy(name: str, folder: Path, *, behind: int) -> Iterator[int]:
    """`name` in front of the server at port `behind`, until the end of the block: the port it listens on."""
    port = free_port()
    certificate, key = _certificate(folder)
    write = {"nginx": _nginx, "caddy": _caddy}[name]
    command = write(folder, port, behind, certificate, key)
    environment = os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
    try:
        _wait(port, process, folder / f"{name}.log")
        yield port
    finally:
        process.terminate()
        process.wait(STARTS_WITHIN)


def _put_in(text: str, values: dict[str, str]) -> str:
    for what, value in values.items():
        assert text.count(what) == 1, f"{what} stands {text.count(what)} times in the file"
        text = text.replace(what, value)
    return text


def _nginx(folder: Path, port: int, behind: int, certificate: Path, key: Path) -> list[str]:
    keys = f"ssl_certificate {certificate}; ssl_certificate_key {key};"
    shipped = _put_in(
        (DEPLOY / "nginx.conf").read_text(),
        {
            "server 127.0.0.1:8000;": f"server 127.0.0.1:{behind};",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl http2; {keys}",
            "listen [::]:443 ssl http2;": "",
            "server_name uni.ac.uk;": "server_name localhost;",
        },
    )
    (folder / "adsum.conf").write_text(shipped)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder / kind};" for kind in kinds)
    main = folder / "nginx.conf"
    main.write_text(
        f"{'user root;' if os.geteuid() == 0 else ''} daemon off; pid {folder / 'nginx.pid'}; error_log stderr;\n"
        "worker_processes 1; worker_rlimit_nofile 16384; events { worker_connections 8192; }\n"
        f"http {{ access_log off; {temporary} include {folder / 'adsum.conf'}; }}\n"
    )
    return [program("nginx") or "nginx", "-c", str(main)]


def _caddy(folder: Path, port: int, behind: int, certificate: Path, key: Path) -> list[str]:
    shipped = _put_in(
        (DEPLOY / "Caddyfile").read_text(),
        {
            "{\n\tgrace_period": "{\n\tadmin off\n\tauto_https off\n\tgrace_period",
            "read_body 5m": "read_body 20s",  # no test waits so long
            "\nuni.ac.uk {": f"\nhttps://localhost:{port} {{\n\tbind 127.0.0.1\n\ttls {certificate} {key}",
            "reverse_proxy 127.0.0.1:8000 {": f"reverse_proxy 127.0.0.1:{behind} {{",
        },
    )
    (folder / "Caddyfile").write_text(shipped)
    return [program("caddy") or "caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while process.poll() is None and time.monotonic() < until:
        try:
            ssl.get_server_certificate(("localhost", port), timeout=5)
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"it did not start: {log.read_text()[-2000:]}")


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that only this test believes."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    at = datetime.now(UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(at - timedelta(hours=1)).not_valid_after(at + timedelta(days=1))
    signed = built.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    certificate, secret = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(signed.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return certificate, secret


def trusting(folder: Path) -> ssl.SSLContext:
    """What believes the certificate of the proxy in this folder."""
    return ssl.create_default_context(cafile=folder / "certificate.pem")
