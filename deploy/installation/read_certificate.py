"""A certificate file of the appliance's kind, pexip.pem: whether the daemons could serve with it, in words that help."""

import re
import subprocess
from pathlib import Path

BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----\n?", re.DOTALL)
MOST_BYTES = 1 << 20
SOON_DAYS = 14


class NotACertificate(Exception):
    """With the file, what is wrong with it, and what was expected."""


def read(path: Path, name: str | None = None) -> tuple[str, list[str]]:
    """The file, and what its owner should know about it: expiry, names. `name`: of the host it is for.
    Raises NotACertificate, OSError."""
    with path.open("rb") as file:
        text = file.read(MOST_BYTES + 1).decode(errors="replace")
    if len(text) > MOST_BYTES:
        raise NotACertificate(f"{path}: has more than {MOST_BYTES >> 10} KiB; a PEM file with a certificate and its key was expected")
    blocks = [(found[1], found[0]) for found in BLOCK.finditer(text)]
    certificates = [block for kind, block in blocks if kind in ("CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE")]
    keys = [(kind, block) for kind, block in blocks if kind.endswith("PRIVATE KEY")]
    if not certificates:
        raise NotACertificate(f"{path}: holds no certificate; expected the server's certificate, its unencrypted key, then intermediates, in PEM")
    if len(keys) != 1:
        raise NotACertificate(f"{path}: holds {len(keys) or 'no'} private keys; expected one, unencrypted, behind the server's certificate")
    kind, key = keys[0]
    if kind.startswith("ENCRYPTED") or "Proc-Type: 4,ENCRYPTED" in key:
        raise NotACertificate(f"{path}: its private key is encrypted; expected it in the clear (openssl pkey -in FILE asks for the password and prints it)")
    of_certificate, of_key = openssl(["x509", "-noout", "-pubkey"], certificates[0]), openssl(["pkey", "-pubout"], key)
    if of_certificate is None or of_key is None:
        raise NotACertificate(f"{path}: its {'certificate' if of_certificate is None else 'private key'} is damaged: openssl can't read it")
    if of_certificate != of_key:
        raise NotACertificate(f"{path}: its private key is another certificate's; expected the one that the first certificate was made for")
    return text, remarks(path, certificates[0], name)


def remarks(path: Path, certificate: str, name: str | None) -> list[str]:
    found = []
    if openssl(["x509", "-noout", "-checkend", "0"], certificate) is None:
        found.append(f"{path}: has expired ({end_of(certificate)}): clients will refuse it")
    elif openssl(["x509", "-noout", "-checkend", str(SOON_DAYS * 86400)], certificate) is None:
        found.append(f"{path}: expires soon ({end_of(certificate)})")
    said = openssl(["x509", "-noout", "-checkhost", name], certificate) if name else None
    if said is not None and "does NOT match" in said:
        found.append(f"{path}: is not for {name}: clients that come by this name will refuse it")
    return found


def end_of(certificate: str) -> str:
    return (openssl(["x509", "-noout", "-enddate"], certificate) or "notAfter=?").partition("=")[2].strip()


def openssl(arguments: list[str], text: str) -> str | None:
    """None: it said no."""
    done = subprocess.run(["openssl", *arguments], input=text, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None
