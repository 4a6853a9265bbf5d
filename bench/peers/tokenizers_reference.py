"""Encoding and training with Python's tokenizers, tiktoken and rustbpe, for `npm run bench -- tokenizer`.

    python tokenizers_reference.py encode TOKENIZER_JSON TIKTOKEN_JSON TEXTS_JSON
    python tokenizers_reference.py train hf|rustbpe TEXT VOCABULARY PATTERN

Prints one JSON value: for each library the seconds and a check sum over all ids, or the seconds and peak memory.
"""

import base64
import json
import resource
import sys
import time

sys.stdout.reconfigure(encoding="utf-8")


def check_sum(lists):
    total = 0
    count = 0
    for ids in lists:
        count += len(ids)
        for at, token in enumerate(ids):
            total = (total + token * (at % 1009 + 1)) % 2**40
    return [count, total]


def timed(encode, warm, texts):
    for text in warm:
        encode(text)
    start = time.perf_counter()
    ids = [encode(text) for text in texts]
    return time.perf_counter() - start, ids


def encode(tokenizer_json, tiktoken_json, texts_json):
    import tiktoken
    import tokenizers

    with open(texts_json, encoding="utf-8") as file:
        corpora = json.load(file)
    with open(tiktoken_json, encoding="utf-8") as file:
        data = json.load(file)
    ranks = {}
    for line in data["bpe_ranks"].split("\n"):
        _, first, *tokens = line.split(" ")
        for i, token in enumerate(tokens):
            ranks[base64.b64decode(token)] = int(first) + i
    result = {}
    for corpus in corpora:
        rows = {}
        hf = tokenizers.Tokenizer.from_file(tokenizer_json)
        seconds, found = timed(lambda text: hf.encode(text, add_special_tokens=False), corpus["warm"], corpus["texts"])
        rows["tokenizers (Python)"] = [seconds, *check_sum(e.ids for e in found)]
        tk = tiktoken.Encoding("bench", pat_str=data["pat_str"], mergeable_ranks=ranks, special_tokens={})
        seconds, found = timed(tk.encode_ordinary, corpus["warm"], corpus["texts"])
        rows["tiktoken (Python)"] = [seconds, *check_sum(found)]
        result[corpus["name"]] = rows
    print(json.dumps(result))


def documents(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        lines, size = [], 0
        for line in file:
            lines.append(line)
            size += len(line)
            if size > 65536:
                yield "".join(lines)
                lines, size = [], 0
        yield "".join(lines)


def train(library, path, vocabulary, pattern):
    start = time.perf_counter()
    if library == "rustbpe":
        import rustbpe

        rustbpe.Tokenizer().train_from_iterator(documents(path), vocabulary, pattern=pattern)
    else:
        from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

        tokenizer = Tokenizer(models.BPE())
        split = pre_tokenizers.Split(Regex(pattern), "isolated")
        byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
        trainer = trainers.BpeTrainer(
            vocab_size=vocabulary,
            min_frequency=2,
            show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        )
        tokenizer.train_from_iterator(documents(path), trainer)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": time.perf_counter() - start, "peakMiB": peak / 1024}))


if __name__ == "__main__":
    if sys.argv[1] == "encode":
        encode(*sys.argv[2:5])
    else:
        train(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
