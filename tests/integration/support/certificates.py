"""Certificates for tests, made with the openssl command, as an administrator would."""

import subprocess
from pathlib import Path

VALID_DAYS = 30


def openssl(*arguments, stdin: str = "") -> str:
    done = subprocess.run(["openssl", *map(str, arguments)], input=stdin, capture_output=True, text=True)
    assert done.returncode == 0, f"openssl {' '.join(map(str, arguments))}:\n{done.stderr}"
    return done.stdout


class Certificate:
    """`certificate` and `key` are PEM texts; file() writes them in the appliance's order."""

    def __init__(self, folder: Path, name: str, *names: str, issuer: "Certificate | None" = None, authority: bool = False):
        self._folder = folder
        self.name = name
        self._issuer = issuer
        key, request, certificate = (folder / f"{name}.{ending}" for ending in ("key", "csr", "crt"))
        usage = "critical,CA:TRUE" if authority else "critical,CA:FALSE"
        extensions = [f"basicConstraints={usage}"]
        if names:
            extensions.append("subjectAltName=" + ",".join(names))
        options = [each for extension in extensions for each in ("-addext", extension)]
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", key, "-out", request if issuer else certificate, "-days", VALID_DAYS,
                *options, *([] if issuer else ["-x509"]))
        if issuer:
            openssl("x509", "-req", "-in", request, "-copy_extensions", "copy", "-days", VALID_DAYS,
                    "-CA", folder / f"{issuer.name}.crt", "-CAkey", folder / f"{issuer.name}.key", "-CAcreateserial",
                    "-out", certificate)
        self.key, self.certificate = key.read_text(), certificate.read_text()

    @property
    def path(self) -> Path:
        """The certificate alone: what others trust."""
        return self._folder / f"{self.name}.crt"

    def file(self) -> Path:
        """Certificate, key, then the issuers short of the root: pexip.pem."""
        return self.write(self.certificate, self.key, *self.chain())

    def write(self, *parts: str) -> Path:
        pem = self._folder / f"{self.name}.pem"
        pem.touch(mode=0o600)
        pem.write_text("".join(parts))
        return pem

    def chain(self) -> list[str]:
        above = self._issuer
        return [above.certificate, *above.chain()] if above and above._issuer else []


def expired_certificate(folder: Path) -> str:
    """A self-signed certificate of the year 2020 and its key, in one PEM text."""
    key, request, certificate, authority = (folder / f"expired.{ending}" for ending in ("key", "csr", "crt", "conf"))
    (folder / "expired.index").touch()
    authority.write_text(f"""
[ca]
default_ca = own
[own]
database = {folder}/expired.index
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
""")
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=expired",
            "-keyout", key, "-out", request)
    openssl("ca", "-selfsign", "-batch", "-notext", "-config", authority, "-keyfile", key, "-in", request, "-out", certificate,
            "-startdate", "20200101000000Z", "-enddate", "20200201000000Z")
    return certificate.read_text() + key.read_text()
