"""Makes the first corpus of the fuzz target from the recorded cases: one file for each template."""

import hashlib
import json
import pathlib

here = pathlib.Path(__file__).resolve().parent
corpus = here / "corpus" / "render"
corpus.mkdir(parents=True, exist_ok=True)
for file in sorted(here.parent.glob("tests/*/*.jsonl")):
    for line in file.read_text(encoding="utf-8").splitlines():
        text = json.loads(line)["template"].encode()
        (corpus / hashlib.sha1(text).hexdigest()).write_bytes(text)
