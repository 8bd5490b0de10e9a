"""Our STUN codec against aioice's: what one writes, the other reads, to the last attribute; and what has been damaged is read alike by
both, or refused by one of them."""

import ipaddress
import random
import struct
import subprocess

import pytest
from aioice import stun

from daemons import program

KEY = b"a key of sixteen"
MESSAGES = 3000
ADDRESSES = ["MAPPED-ADDRESS", "RESPONSE-ORIGIN", "OTHER-ADDRESS"]
MASKED = ["XOR-MAPPED-ADDRESS", "XOR-PEER-ADDRESS", "XOR-RELAYED-ADDRESS"]
NUMBERS = ["LIFETIME", "REQUESTED-TRANSPORT", "CHANGE-REQUEST"]
TEXTS = ["USERNAME", "REALM", "SOFTWARE"]
METHODS = [each for each in stun.Method if each != stun.Method.SHARED_SECRET]
CLASSES = [stun.Class.REQUEST, stun.Class.INDICATION, stun.Class.RESPONSE, stun.Class.ERROR]  # as ours are numbered
LETTERS = "aZ09 :é漢\U0001f600"


@pytest.fixture(scope="module")
def ours():
    """Asks our codec many things at once: lines there, lines back."""
    codec = program("stun_codec")
    if not codec.exists():
        pytest.skip("a release build has no programs of tests")

    def ask(lines: list[str]) -> list[str]:
        done = subprocess.run([codec], input="".join(f"{line}\n" for line in lines), capture_output=True, text=True, check=True)
        answers = done.stdout.splitlines()
        assert len(answers) == len(lines)
        return answers

    return ask


def any_address(lot: random.Random) -> tuple[str, int]:
    bits = lot.choice([32, 128])
    of = ipaddress.IPv4Address if bits == 32 else ipaddress.IPv6Address
    return str(of(lot.getrandbits(bits))), lot.getrandbits(16)


def any_text(lot: random.Random) -> str:
    return "".join(lot.choice(LETTERS) for _ in range(lot.randrange(40)))


def any_value(lot: random.Random, name: str):
    if name in ADDRESSES + MASKED:
        return any_address(lot)
    if name in NUMBERS:
        return lot.getrandbits(32)
    if name in TEXTS:
        return any_text(lot)
    if name == "CHANNEL-NUMBER":
        return lot.getrandbits(16)
    if name == "ERROR-CODE":
        return lot.randrange(300, 700), any_text(lot)
    return lot.randbytes(lot.randrange(60))  # NONCE


def any_message(lot: random.Random) -> stun.Message:
    names = lot.sample([*ADDRESSES, *MASKED, *NUMBERS, *TEXTS, "CHANNEL-NUMBER", "ERROR-CODE", "NONCE"], lot.randrange(8))
    message = stun.Message(lot.choice(METHODS), lot.choice(CLASSES), lot.randbytes(12))
    for name in names:
        message.attributes[name] = any_value(lot, name)
    return message


def hexadecimal(value: bytes) -> str:
    return value.hex() or "-"


def shown(address: tuple[str, int]) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def plain(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return str(ipaddress.ip_address(host.strip("[]"))), int(port)


def read_by_us(line: str) -> dict:
    """Our answer in aioice's terms; of a type that comes twice the first counts (RFC 8489 section 14)."""
    method, kind, transaction, integrity, fingerprint, *values = line.split()
    attributes = {}
    for value in values:
        number, _, rest = value.partition("=")
        content, *addresses = rest.split(",")
        entry = stun.ATTRIBUTES_BY_TYPE.get(int(number))
        if entry is None or entry[1] in attributes:
            continue
        name = entry[1]
        wanted = {"a=": ADDRESSES, "x=": MASKED}
        read_as = [plain(each[2:]) for each in addresses if name in wanted[each[:2]]]
        if name in ADDRESSES + MASKED:
            attributes[name] = read_as[0] if read_as else None
        elif name not in ("MESSAGE-INTEGRITY", "FINGERPRINT"):
            attributes[name] = entry[3](b"" if content == "-" else bytes.fromhex(content))
    return {"method": int(method), "class": CLASSES[int(kind)], "transaction": transaction, "integrity": integrity,
            "fingerprint": fingerprint, "attributes": attributes}


def of(message: stun.Message) -> dict:
    return {name: value for name, value in message.attributes.items() if name not in ("MESSAGE-INTEGRITY", "FINGERPRINT")}


def test_what_aioice_writes_we_read(ours):
    lot = random.Random(8489)
    messages = [any_message(lot) for _ in range(MESSAGES)]
    for message in messages:
        message.add_message_integrity(KEY)
    for message, line in zip(messages, ours([f"read {KEY.hex()} {bytes(message).hex()}" for message in messages])):
        read = read_by_us(line)
        assert (read["method"], read["class"], read["transaction"]) == (
            message.message_method, message.message_class, message.transaction_id.hex())
        assert (read["integrity"], read["fingerprint"]) == ("right", "right")
        assert read["attributes"] == of(message)


def test_what_we_write_aioice_reads(ours):
    lot = random.Random(8656)
    messages = [any_message(lot) for _ in range(MESSAGES)]
    for message, line in zip(messages, ours([f"write {KEY.hex()} {described(message)}" for message in messages])):
        read = stun.parse_message(bytes.fromhex(line), KEY)  # which checks both of the sums
        assert {"MESSAGE-INTEGRITY", "FINGERPRINT"} <= read.attributes.keys()
        assert (read.message_method, read.message_class, read.transaction_id) == (
            message.message_method, message.message_class, message.transaction_id)
        assert of(read) == of(message)


def described(message: stun.Message) -> str:
    words = [str(int(message.message_method)), str(CLASSES.index(message.message_class)), message.transaction_id.hex()]
    for name, value in message.attributes.items():
        number, _, pack, _ = stun.ATTRIBUTES_BY_NAME[name]
        if name in ADDRESSES:
            words.append(f"{number}:a:{shown(value)}")
        elif name in MASKED:
            words.append(f"{number}:x:{shown(value)}")
        elif name == "ERROR-CODE":
            words.append(f"{number}:e:{value[0]}:{hexadecimal(value[1].encode())}")
        else:
            words.append(f"{number}:v:{hexadecimal(pack(value))}")
    return " ".join(words)


def damaged(lot: random.Random, whole: bytes) -> bytes:
    changed = bytearray(whole)
    for _ in range(lot.randrange(1, 4)):
        changed[lot.randrange(len(changed))] = lot.getrandbits(8)
    return bytes(changed[:lot.randrange(len(changed))]) if lot.random() < 0.1 else bytes(changed)


def test_what_is_damaged_is_read_alike_or_refused(ours):
    """aioice asks for no fingerprint and no cookie, and takes an attribute that reaches past the end; what both let pass is the same,
    and neither takes a wrong sum for a right one."""
    lot = random.Random(5389)
    both = 0
    messages = []
    for _ in range(2 * MESSAGES):
        message = any_message(lot)
        message.attributes["MESSAGE-INTEGRITY"] = stun.message_integrity(bytes(message), KEY)
        messages.append(damaged(lot, bytes(message)))
    for raw, line in zip(messages, ours([f"read {KEY.hex()} {hexadecimal(raw)}" for raw in messages])):
        try:
            theirs = stun.parse_message(raw)
        except (ValueError, IndexError, struct.error):
            continue
        if line == "refused":
            continue
        read = read_by_us(line)
        assert (read["method"], read["class"], read["transaction"]) == (
            theirs.message_method, theirs.message_class, theirs.transaction_id.hex())
        if twice(raw):
            continue  # aioice keeps the last, and what stands behind the sum
        both += 1
        assert read["attributes"] == of(theirs)
        if "MESSAGE-INTEGRITY" in theirs.attributes:
            assert read["integrity"] == ("right" if signed(raw) else "wrong")
    assert both > MESSAGES / 2, "too few of them can be read by both"


def signed(raw: bytes) -> bool:
    try:
        stun.parse_message(raw, KEY)
        return True
    except ValueError:
        return False


def twice(raw: bytes) -> bool:
    """An attribute that comes again, or one behind the integrity: by RFC 8489 neither counts."""
    seen, at = set(), stun.HEADER_LENGTH
    while at < len(raw):
        number, size = int.from_bytes(raw[at:at + 2], "big"), int.from_bytes(raw[at + 2:at + 4], "big")
        if number in seen or 0x0008 in seen or 0x001c in seen:
            return True
        seen.add(number)
        at += 4 + size + stun.padding_length(size)
    return False
