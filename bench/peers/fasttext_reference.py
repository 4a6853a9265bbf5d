"""fastText's own answers: makes small models for the tests, or times predictions.

usage: fasttext_reference.py vectors <texts.jsonl> <output folder>
       fasttext_reference.py train <texts.jsonl> <model>
       fasttext_reference.py time <model> <texts.jsonl>
Texts are {"label", "text"} a line. `vectors` trains one model of every kind and writes what fastText predicts;
`train` makes a language identifier;
`time` prints one JSON line: processor seconds and the predicted labels.
"""

import json
import os
import resource
import sys

import fasttext

fasttext.FastText.eprint = lambda *_: None

KINDS = {
    "softmax.bin": dict(loss="softmax", minn=2, maxn=4, wordNgrams=1, bucket=400),
    "hierarchical.bin": dict(loss="hs", minn=1, maxn=3, wordNgrams=1, bucket=300),
    "one-vs-all.bin": dict(loss="ova", minn=0, maxn=0, wordNgrams=2, bucket=300),
    "words.bin": dict(loss="softmax", minn=0, maxn=0, wordNgrams=1, bucket=0),
    "quantized.ftz": dict(loss="softmax", minn=2, maxn=4, wordNgrams=1, bucket=3000),
    "quantized-output.ftz": dict(loss="hs", minn=2, maxn=3, wordNgrams=2, bucket=3000),
}


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def one_line(text):
    return " ".join(text.split("\n"))


def predict(model, text, k):
    # The binding's own predict() wants an old numpy.
    return [(label, probability) for probability, label in model.f.predict(one_line(text) + "\n", k, 0.0, "strict")]


def vectors(source, folder):
    rows = read(source)
    train = os.path.join(folder, "train.txt")

    def write(label_of):
        with open(train, "w", encoding="utf-8") as out:
            for i, row in enumerate(rows):
                out.write(f"__label__{label_of(i, row)} {one_line(row['text'])}\n")

    probes = [row["text"] for row in rows[::7]] + [
        "", " ", "x", "</s>", "a </s> b", "__label__deu_Latn", "__label__none x", "\u00e9\u4eba \U0001f600", "\t\u000b tab", "word " * 300,
    ]
    answers = {"texts": probes, "models": {}}
    for name, settings in KINDS.items():
        # Outputs are only quantized from 256 labels on.
        many = name == "quantized-output.ftz"
        write(lambda i, row: str(i % 280) if many else row["label"])
        model = fasttext.train_supervised(
            train, dim=10, epoch=15, lr=0.5, minCount=6, thread=1, verbose=0, seed=1, **settings
        )
        if name.endswith(".ftz"):
            model.quantize(
                train, qnorm=True, retrain=False, cutoff=1200, qout=many, verbose=0
            )
        model.save_model(os.path.join(folder, name))
        answers["models"][name] = [predict(model, text, 3) for text in probes]
    os.remove(train)
    with open(os.path.join(folder, "predictions.json"), "w", encoding="utf-8") as out:
        json.dump(answers, out, ensure_ascii=False)


def train(source, path):
    lines = f"{path}.txt"
    with open(lines, "w", encoding="utf-8") as out:
        for row in read(source):
            out.write(f"__label__{row['label']} {one_line(row['text'])}\n")
    model = fasttext.train_supervised(
        lines, dim=16, minn=2, maxn=4, bucket=200_000, epoch=2, lr=0.5, loss="softmax", thread=1, verbose=0
    )
    model.save_model(path)


def time(path, source):
    model = fasttext.load_model(path)
    texts = [one_line(row["text"]) + "\n" for row in read(source)]
    before = resource.getrusage(resource.RUSAGE_SELF)
    labels = [model.f.predict(text, 1, 0.0, "strict")[0][1] for text in texts]
    after = resource.getrusage(resource.RUSAGE_SELF)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"seconds": seconds, "labels": labels}))


if __name__ == "__main__":
    {"vectors": vectors, "train": train, "time": time}[sys.argv[1]](*sys.argv[2:])
