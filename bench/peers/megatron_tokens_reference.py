"""How often Megatron-LM's own dataset reads each document of a tokens artifact, as data for test/reference/megatron-tokens.test.ts.

    FIRN_WRITE_REFERENCE=1 npx vitest run test/reference/megatron-tokens.test.ts
    python bench/peers/megatron_tokens_reference.py test/reference/tiny-megatron-tokens

The test writes the tokens; each document has one token of its own, its second. This program opens them with
`IndexedDataset`, lets `GPTDataset` cut one pass into samples, counts how often each such token comes by, and records that and
the SHA-256 of the files. Made with megatron-core 0.16.1, torch 2.15.0, numpy 2.4.6 (no GPU).
"""
import hashlib
import json
import pathlib
import sys
import tempfile
from collections import Counter

import megatron.core
from megatron.core.datasets.gpt_dataset import GPTDataset, GPTDatasetConfig
from megatron.core.datasets.indexed_dataset import IndexedDataset
from megatron.core.datasets.utils import Split
import numpy
import torch


class Tokenizer:
    """What `GPTDatasetConfig` asks of one."""

    eod = 2
    pad = 0
    vocab_size = 4096
    unique_identifiers = {"class": "none"}


def judge(folder: str) -> None:
    prefix = str(pathlib.Path(folder, "train"))
    dataset = IndexedDataset(prefix, mmap=True)
    sequences = len(dataset)
    own = {int(dataset.get(i)[1]) for i in range(sequences)}
    with tempfile.TemporaryDirectory() as cache:
        config = GPTDatasetConfig(
            random_seed=1, sequence_length=16, blend=([prefix], None), split="1", path_to_cache=cache,
            tokenizer=Tokenizer(), reset_position_ids=False, reset_attention_mask=False, eod_mask_loss=False,
            create_attention_mask=False,
        )
        samples = GPTDataset(dataset, prefix, numpy.arange(sequences, dtype=numpy.int32), None, Split.train, config)
        read = Counter(token for i in range(len(samples)) for token in samples[i]["tokens"].tolist() if token in own)
        last = samples[len(samples) - 1]
    digest = {name: hashlib.sha256(pathlib.Path(folder, name).read_bytes()).hexdigest() for name in ("train.bin", "train.idx")}
    judged = {
        "megatronCore": megatron.core.__version__,
        "torch": torch.__version__,
        "sequences": sequences,
        "samples": len(samples),
        "read": {str(token): count for token, count in sorted(read.items())},
        "sha256": digest,
    }
    pathlib.Path(folder, "judged.json").write_text(json.dumps(judged, indent=2) + "\n")
    print(json.dumps(judged["read"]), "last sample ends with", last["labels"][-1].item())


if __name__ == "__main__":
    judge(sys.argv[1])
