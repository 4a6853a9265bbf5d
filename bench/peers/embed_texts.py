"""Vectors of texts for `documents.quality.classifier.embedding: { type: vectors }`, by any encoder of transformers.

    python bench/peers/embed_texts.py --model FacebookAI/xlm-roberta-base --out vectors store/source/*/raw/*.parquet
    python bench/peers/embed_texts.py --model … --out vectors --only 'store/documents/clean-*/documents/*.parquet' store/source/*/raw/*.parquet
    python bench/peers/embed_texts.py --model … --out vectors good.jsonl

As FineWeb2-HQ does (Messmer et al. 2025): the mean of the last hidden states over the first 512 tokens. Parquet tables need the
columns `id`, `text` and `sha256`, as source artifacts have them; of JSON Lines (labelled examples) the field `text` is
hashed. `--only` takes the documents that another build has kept, by id. For each table one file appears, whole or not at
all; those that are there already are skipped, so that the program can be stopped and started again. Row groups are
small, because Firn reads one at a time.

Needs torch, transformers, pyarrow (written with 2.15.0, 5.24.0, 26.0.1).
"""
import argparse
import glob
import hashlib
import json
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from transformers import AutoModel, AutoTokenizer

ROW_GROUP = 4096


def tables(path: str, kept: set[str] | None):
    """Lists of (sha256, text)."""
    if path.endswith(".jsonl"):
        with open(path, encoding="utf-8") as lines:
            texts = [json.loads(line)["text"] for line in lines if line.strip()]
        yield [(hashlib.sha256(text.encode()).hexdigest(), text) for text in texts]
        return
    for batch in pq.ParquetFile(path).iter_batches(1024, columns=["id", "text", "sha256"]):
        rows = batch.to_pylist()
        yield [(row["sha256"], row["text"]) for row in rows if kept is None or row["id"] in kept]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--only")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("tables", nargs="+")
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = AutoModel.from_pretrained(args.model).eval().to(device)
    kept = None
    if args.only:
        kept = {id for file in glob.glob(args.only) for id in pq.read_table(file, columns=["id"])["id"].to_pylist()}

    @torch.inference_mode()
    def embed(texts: list[str]) -> list[list[float]]:
        given = tokenizer(texts, truncation=True, max_length=args.tokens, padding=True, return_tensors="pt").to(device)
        hidden = model(input_ids=given["input_ids"], attention_mask=given["attention_mask"]).last_hidden_state
        mask = given["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        return ((hidden * mask).sum(1) / mask.sum(1).clamp(min=1)).float().cpu().tolist()

    schema = pa.schema([("sha256", pa.string()), ("vector", pa.list_(pa.float32(), model.config.hidden_size))])
    pathlib.Path(args.out).mkdir(parents=True, exist_ok=True)
    for path in args.tables:
        name = hashlib.sha256(f"{args.model}\n{pathlib.Path(path).resolve()}".encode()).hexdigest()[:16]
        target = pathlib.Path(args.out, f"vectors-{name}.parquet")
        if target.exists():
            continue
        partial = target.with_suffix(".partial")
        seen: set[str] = set()
        pending: list[dict] = []
        with pq.ParquetWriter(partial, schema, compression="zstd") as writer:
            for rows in tables(path, kept):
                # Longest first: a batch is as wide as its longest text.
                fresh = {key: text for key, text in rows if key not in seen}
                seen.update(fresh)
                ordered = sorted(fresh.items(), key=lambda item: (-len(item[1]), item[0]))
                for at in range(0, len(ordered), args.batch):
                    part = ordered[at : at + args.batch]
                    vectors = embed([text for _, text in part])
                    pending += [{"sha256": key, "vector": vector} for (key, _), vector in zip(part, vectors)]
                    while len(pending) >= ROW_GROUP:
                        writer.write_table(pa.Table.from_pylist(pending[:ROW_GROUP], schema), ROW_GROUP)
                        del pending[:ROW_GROUP]
            if pending:
                writer.write_table(pa.Table.from_pylist(pending, schema), ROW_GROUP)
        partial.rename(target)
        print(f"{path}: {len(seen)} vectors in {target}", flush=True)


if __name__ == "__main__":
    main()
