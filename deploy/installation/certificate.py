"""A self-signed certificate, for as long as there is no other."""

import subprocess

from installation.output import NotWritten

DAYS = 825


def self_signed(name: str) -> str:
    """Certificate and key in one PEM text, as pexip.pem has them."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(DAYS), "-subj", f"/CN={name}",
               "-addext", f"subjectAltName=DNS:{name}", "-keyout", "/dev/stdout", "-out", "/dev/stdout"]
    try:
        made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotWritten(f"no certificate could be made: {getattr(error, 'stderr', None) or error}") from None
    begin = made.index("-----BEGIN CERTIFICATE-----")
    end = made.index("-----END CERTIFICATE-----") + len("-----END CERTIFICATE-----\n")
    return made[begin:end] + made[:begin] + made[end:]
