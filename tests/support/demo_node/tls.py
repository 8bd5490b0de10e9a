"""The node's certificate: self-signed, as a conferencing node's is until replaced."""

import ipaddress
import ssl
import subprocess
from pathlib import Path

VALID_DAYS = 3650


def self_signed(folder: Path, host: str) -> Path:
    """One PEM with certificate and key, made with the openssl command unless it is there."""
    pem = folder / "demo-node.pem"
    if pem.exists():
        return pem
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", str(key), "-out", str(certificate), "-days", str(VALID_DAYS),
         "-subj", "/CN=demo conferencing node", "-addext", f"subjectAltName={alt_names(host)}"],
        check=True, capture_output=True)
    partial = folder / "demo-node.pem.new"
    partial.touch(mode=0o600)
    partial.write_text(certificate.read_text() + key.read_text())
    partial.replace(pem)
    key.unlink()
    certificate.unlink()
    return pem


def alt_names(host: str) -> str:
    names = ["DNS:localhost", "IP:127.0.0.1", "IP:::1"]
    try:
        address = ipaddress.ip_address(host)
        if not address.is_loopback and not address.is_unspecified:
            names.append(f"IP:{address}")
    except ValueError:
        names.append(f"DNS:{host}")
    return ",".join(names)


def server_context(pem: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pem)
    context.set_alpn_protocols(["http/1.1"])
    return context
