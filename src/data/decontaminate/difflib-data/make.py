"""Writes matched.json: what Python's difflib finds in random sequences (`python3 make.py > matched.json`)."""
import json
import random
from difflib import SequenceMatcher

random.seed(4)
cases = []
for n in range(120):
    alphabet = random.choice([2, 3, 6, 20])
    b = [random.randrange(alphabet) for _ in range(random.randrange(1, 60))]
    a = []
    while len(a) < 80:
        if random.random() < 0.4:
            at = random.randrange(len(b))
            a += b[at : at + random.randrange(1, 15)]
        else:
            a.append(random.randrange(alphabet))
    a = a[: random.randrange(0, 80)]
    min_block = random.choice([1, 2, 5])
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    sizes = [block.size for block in blocks if block.size >= min_block]
    cases.append({"a": a, "b": b, "minBlock": min_block, "matched": sum(sizes), "longest": max(sizes, default=0)})
print(json.dumps(cases, separators=(",", ":")))
