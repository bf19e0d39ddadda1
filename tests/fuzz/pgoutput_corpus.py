#!/usr/bin/env python3
"""Makes corpus/pgoutput anew from the captures in tests/data/pgoutput: every message with its size (two bytes) in front."""
import pathlib

here = pathlib.Path(__file__).resolve().parent
corpus = here / "corpus" / "pgoutput"
corpus.mkdir(parents=True, exist_ok=True)
for capture in sorted((here.parent / "data" / "pgoutput").glob("*.hex")):
    out = bytearray()
    for line in capture.read_text().splitlines():
        if line.startswith("t"):  # what the catalog said
            continue
        message = bytes.fromhex(line.split()[1])
        out += len(message).to_bytes(2, "big") + message
    (corpus / capture.stem).write_bytes(out)
