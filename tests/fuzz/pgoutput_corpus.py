#!/usr/bin/env python3
"""Makes corpus/pgoutput anew from the captures in tests/data/pgoutput: every message with its size (two bytes) in front.
Each capture twice: as it is, and as the server sends it when it streams every transaction (protocol 2)."""
import pathlib


def framed(messages):
    return b"".join(len(message).to_bytes(2, "big") + message for message in messages)


def streamed(messages):
    """Each message in a chunk of its own, by subtransactions in turn; the last one of a transaction is rolled back."""
    out, xid, first = [], None, True
    for number, message in enumerate(messages):
        kind = message[:1]
        if kind == b"B":
            xid, first = message[17:21], True
        elif kind == b"C" and xid:
            gone = (int.from_bytes(xid, "big") + 100).to_bytes(4, "big")
            out += [b"S" + xid + bytes([first]), b"T" + gone + b"\0\0\0\1\0\0\0\0\7", b"E", b"A" + xid + gone]
            out.append(b"c" + xid + message[1:])
            xid = None
        elif xid:
            subxid = (int.from_bytes(xid, "big") + number % 3).to_bytes(4, "big")
            inner = message if kind == b"O" else kind + subxid + message[1:]
            out += [b"S" + xid + bytes([first]), inner, b"E"]
            first = False
        else:
            out.append(message)
    return out


here = pathlib.Path(__file__).resolve().parent
corpus = here / "corpus" / "pgoutput"
corpus.mkdir(parents=True, exist_ok=True)
for capture in sorted((here.parent / "data" / "pgoutput").glob("*.hex")):
    lines = [line for line in capture.read_text().splitlines() if not line.startswith("t")]  # t: what the catalog said
    messages = [bytes.fromhex(line.split()[1]) for line in lines]
    (corpus / capture.stem).write_bytes(framed(messages))
    (corpus / (capture.stem + ".streamed")).write_bytes(framed(streamed(messages)))
