"""What openssl's client sees of a TLS server that somebody tries to make worse."""

import re
import subprocess

DOWNGRADED = "44 4f 57 4e 47 52 44 01"  # "DOWNGRD", and TLS 1.2


def s_client(server: tuple[str, int], *options: str, typed: str = "") -> str:
    done = subprocess.run(["openssl", "s_client", "-connect", "{}:{}".format(*server), *options], input=typed, capture_output=True, text=True)
    return done.stdout + done.stderr


def refuses_old_versions(server: tuple[str, int]) -> bool:
    """TLS 1.0 and 1.1 (RFC 8996)."""
    said = [s_client(server, version, "-cipher", "ALL:@SECLEVEL=0") for version in ("-tls1", "-tls1_1")]
    return all("alert protocol version" in each and "Cipher is (NONE)" in each for each in said)


def tells_of_a_downgrade(server: tuple[str, int]) -> bool:
    """With TLS 1.2 the server's random says that it speaks 1.3 (RFC 8446 4.1.3), and a client that falls back is stopped (RFC 7507)."""
    hello = s_client(server, "-tls1_2", "-msg").partition("ServerHello\n")[2]
    random = re.findall(r"\b[0-9a-f]{2}\b", hello)[6:38]
    return " ".join(random).endswith(DOWNGRADED) and "alert inappropriate fallback" in s_client(server, "-tls1_2", "-fallback_scsv")


def refuses_renegotiation(server: tuple[str, int]) -> bool:
    said = s_client(server, "-tls1_2", typed="R\n")  # what is typed makes it ask for one
    return "RENEGOTIATING" in said and "alert no renegotiation" in said


def compresses_nothing(server: tuple[str, int]) -> bool:
    """CRIME."""
    return "Compression: NONE" in s_client(server, "-tls1_2", "-comp")
