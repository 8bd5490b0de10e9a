"""HTTP/1.1 requests that two readers may take for different ones: RAW, by name. OPEN is the target of the one that everybody sees, HIDDEN
the request in it that nobody should."""

from rproxyd import chunked

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: proxy.example.com\r\n\r\n"
OPEN = "/open"


def post(*lines: bytes, body: bytes) -> bytes:
    return b"\r\n".join([b"POST /open HTTP/1.1", b"Host: proxy.example.com", *lines, b"", b""]) + body


def get(*lines: bytes, first: bytes = b"GET /open HTTP/1.1") -> bytes:
    return b"\r\n".join([first, b"Host: proxy.example.com", *lines, b"", b""])


LENGTH = b"Content-Length: %d"
CHUNKED = b"Transfer-Encoding: chunked"
ENDED = b"0\r\n\r\n" + HIDDEN  # to a reader of chunks a body and a request, to one of lengths a body
ALL = LENGTH % len(ENDED)
CODINGS = {  # each of them is "chunked" to some reader, and something else to another
    "plain": CHUNKED,
    "upper-case name": b"TRANSFER-ENCODING: chunked",
    "upper-case value": b"Transfer-Encoding: CHUNKED",
    "no space": b"Transfer-Encoding:chunked",
    "tab": b"Transfer-Encoding:\tchunked",
    "trailing space": b"Transfer-Encoding: chunked ",
    "trailing tab": b"Transfer-Encoding: chunked\t",
    "space before the colon": b"Transfer-Encoding : chunked",
    "tab before the colon": b"Transfer-Encoding\t: chunked",
    "vertical tab": b"Transfer-Encoding: \x0bchunked",
    "form feed": b"Transfer-Encoding: \x0cchunked",
    "nul": b"Transfer-Encoding: chunked\0",
    "nul in the name": b"Transfer-\0Encoding: chunked",
    "leading space": b" Transfer-Encoding: chunked",
    "folded": b"Transfer-Encoding:\r\n chunked",
    "folded behind another": b"X-A: 1\r\n Transfer-Encoding: chunked",
    "line feed alone": b"X-A: 1\nTransfer-Encoding: chunked",
    "carriage return alone": b"X-A: 1\rTransfer-Encoding: chunked",
    "quoted": b'Transfer-Encoding: "chunked"',
    "in a list": b"Transfer-Encoding: identity, chunked",
    "list with nothing": b"Transfer-Encoding: , chunked",
    "twice": CHUNKED + b"\r\n" + CHUNKED,
    "then another": CHUNKED + b"\r\nTransfer-Encoding: x",
    "another, then it": b"Transfer-Encoding: x\r\n" + CHUNKED,
    "parameter": b"Transfer-Encoding: chunked;a=b",
    "misspelt": b"Transfer-Encoding: xchunked",
    "underscore": b"Transfer_Encoding: chunked",
    "beyond ASCII": "Transfer-Encoding: chunKed".encode(),
    "byte beyond ASCII": b"Transfer-Encoding: chunked\xa0",
    "named by Connection": CHUNKED + b"\r\nConnection: Transfer-Encoding",
    "length named by Connection": CHUNKED + b"\r\nConnection: Content-Length",
}
LENGTHS = {
    "same twice": post(LENGTH % 5, LENGTH % 5, body=b"abcde"),
    "zero, then all": post(LENGTH % 0, LENGTH % len(HIDDEN), body=HIDDEN),
    "all, then zero": post(LENGTH % len(HIDDEN), LENGTH % 0, body=HIDDEN),
    "a list": post(b"Content-Length: 0, %d" % len(HIDDEN), body=HIDDEN),
    "plus": post(b"Content-Length: +%d" % len(HIDDEN), body=HIDDEN),
    "minus": post(b"Content-Length: -1", body=HIDDEN),
    "hexadecimal": post(b"Content-Length: 0x%x" % len(HIDDEN), body=HIDDEN),
    "leading zeros": post(b"Content-Length: 00%d" % len(HIDDEN), body=HIDDEN),
    "underscore in it": post(b"Content-Length: %d_%d" % divmod(len(HIDDEN), 10), body=HIDDEN),
    "space in it": post(b"Content-Length: 0 %d" % len(HIDDEN), body=HIDDEN),
    "comma behind": post(b"Content-Length: 0,", body=HIDDEN),
    "nul behind": post(b"Content-Length: 0\0%d" % len(HIDDEN), body=HIDDEN),
    "empty": post(b"Content-Length:", body=HIDDEN),
    "beyond 64 bits": post(b"Content-Length: 18446744073709551616", body=HIDDEN),
    "space before the colon": post(b"Content-Length : %d" % len(HIDDEN), body=HIDDEN),
    "underscore for the hyphen": post(b"Content_Length: %d" % len(HIDDEN), LENGTH % 0, body=b""),
    "folded": post(b"Content-Length:\r\n %d" % len(HIDDEN), body=HIDDEN),
    "line feed alone": post(b"X-A: 1\nContent-Length: %d" % len(HIDDEN), body=HIDDEN),
    "named by Connection": post(LENGTH % len(HIDDEN), b"Connection: Content-Length", body=HIDDEN),
    "on a GET": get(LENGTH % len(HIDDEN)) + HIDDEN,
    "in HTTP/1.0 with chunks": get(ALL, CHUNKED, first=b"POST /open HTTP/1.0") + ENDED,
    "Expect": post(LENGTH % len(HIDDEN), b"Expect: 100-continue", body=HIDDEN),
    "Expect that is none": post(LENGTH % len(HIDDEN), b"Expect: x 100-continue", body=HIDDEN),
}
# The body is the hidden request, inside of what one reader takes for a chunk, or for its extension, or for trailers.
CHUNKS = {
    "whole": chunked(HIDDEN),
    "extension": b"%x;a=b\r\n%s\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN),
    "extension with a quoted line end": b'5;a="\r\n' + HIDDEN + b"0\r\n\r\n",
    "extension with a line feed": b"2;\nxx\r\n%x\r\n0\r\n\r\n%s\r\n0\r\n\r\n" % (len(HIDDEN) + 5, HIDDEN),
    "extension with a carriage return": b"2;\rxx\r\nab\r\n0\r\n\r\n",
    "extension of the last chunk": b"2\r\nab\r\n0;a=b\r\n\r\n",
    "endless extension": b"2;" + b"a" * 20_000 + b"\r\nab\r\n0\r\n\r\n",
    "line feed behind the size": b"%x\n%s\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN),
    "line feed behind the data": b"2\r\nab\n0\r\n\r\n" + HIDDEN,
    "no line end behind the data": b"2\r\nab0\r\n\r\n" + HIDDEN,
    "two bytes behind the data": b"2\r\nabXX0\r\n\r\n" + HIDDEN,
    "space behind the size": b"2 \r\nab\r\n0\r\n\r\n",
    "space before the size": b" 2\r\nab\r\n0\r\n\r\n",
    "0x": b"0x2\r\nab\r\n0\r\n\r\n" + HIDDEN,
    "plus": b"+2\r\nab\r\n0\r\n\r\n" + HIDDEN,
    "minus": b"-2\r\nab\r\n0\r\n\r\n" + HIDDEN,
    "beyond 64 bits": b"10000000000000002\r\nab\r\n0\r\n\r\n" + HIDDEN,
    "no size": b"\r\nab\r\n0\r\n\r\n" + HIDDEN,
    "zeros": b"00000000\r\n\r\n",
    "trailer": b"2\r\nab\r\n0\r\nX-A: 1\r\n\r\n",
    "trailers that speak of framing": b"2\r\nab\r\n0\r\nX-A: 1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "trailer with a line feed": b"0\r\nX-A: 1\n\r\n" + HIDDEN,
    "last line with a line feed": b"0\r\n\n" + HIDDEN,
    "request as a trailer": b"0\r\n" + HIDDEN,
    "unfinished": b"%x\r\n%s" % (len(HIDDEN) + 1, HIDDEN),
}
LINES = {
    "line feed behind the request line": b"GET /open HTTP/1.1\nHost: proxy.example.com\r\n\r\n",
    "line feeds alone": b"GET /open HTTP/1.1\nHost: proxy.example.com\n\n",
    "carriage return before the end": get(b"X-A: 1\r\r\nX-B: 2"),
    "colon first": get(b": Content-Length: 5"),
    "two hosts": get(b"Host: other.example.com"),
    "target with a version": get(first=b"GET /open HTTP/1.1 HTTP/1.1"),
    "target with an encoded line end": get(first=b"GET /open%0d%0aX-A:%201 HTTP/1.1"),
    "target with a line feed": get(first=b"GET /open\nX-A: 1 HTTP/1.1"),
    "target of another host": get(first=b"GET http://other.example.com/open HTTP/1.1"),
    "HTTP/0.9": b"GET /open\r\n\r\n",
    "HTTP/1.1 in lower case": get(first=b"GET /open http/1.1"),
    "HTTP/11": get(first=b"GET /open HTTP/11"),
    "a method with a space": get(first=b" GET /open HTTP/1.1"),
    "upgrade to h2c": get(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"),
    "a WebSocket of an unknown version": get(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 777",
                                             b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    "Connection names Host": get(b"Connection: close, Host"),
}
RAW = ({f"CL.TE {name}": post(ALL, coding, body=ENDED) for name, coding in CODINGS.items()}
       | {f"TE.CL {name}": post(coding, LENGTH % 4, body=chunked(HIDDEN)) for name, coding in CODINGS.items()
          if name != "underscore"}  # which is dropped, and what follows the four bytes is the client's next request
       | {f"length {name}": raw for name, raw in LENGTHS.items()}
       | {f"chunk {name}": post(CHUNKED, body=raw) for name, raw in CHUNKS.items()}
       | {f"line {name}": raw for name, raw in LINES.items()})
# Requests that are in order, the hidden one being a part of their body or of nothing: these do arrive, as one.
WHOLE = {
    "CL.TE underscore", "length leading zeros", "length on a GET", "length Expect", "length named by Connection", "length underscore for the hyphen",
    "chunk whole", "chunk extension", "chunk extension of the last chunk", "chunk zeros", "chunk trailer",
    "line target with an encoded line end", "line target of another host", "line upgrade to h2c",
    "line a WebSocket of an unknown version", "line Connection names Host",
}
# Rightly refused in their second half, when their first has gone on: the node may have seen that a request began.
CUT = {name for name in RAW if name.startswith("chunk ")} - WHOLE
