"""Near-duplicates by datatrove and by text-dedup, one process each, with the settings of FineWeb-2 (5-grams, 14 x 8).

usage: dedup.py datatrove|text-dedup <input.jsonl> <scratch folder>
The input has {"id", "text"} a line. Prints one JSON line: processor seconds (imports left out, children included) and the
ids that stay.
"""

import json
import os
import resource
import sys


def processor_seconds() -> float:
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        total += usage.ru_utime + usage.ru_stime
    return total


def run_datatrove(source: str, scratch: str) -> tuple[float, list[str]]:
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import (
        MinhashConfig,
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
    )
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter
    from datatrove.utils.hashing import HashConfig
    from loguru import logger

    logger.remove()
    config = MinhashConfig(
        hash_config=HashConfig(precision=64), n_grams=5, num_buckets=14, hashes_per_bucket=8
    )
    folder = os.path.dirname(source)

    def reader() -> JsonlReader:
        return JsonlReader(folder, glob_pattern=os.path.basename(source), compression=None)

    stages = [
        ([reader(), MinhashDedupSignature(f"{scratch}/signatures", config=config)], 1),
        ([MinhashDedupBuckets(f"{scratch}/signatures", f"{scratch}/buckets", config=config)], 14),
        ([MinhashDedupCluster(f"{scratch}/buckets", f"{scratch}/remove", config=config)], 1),
        (
            [
                reader(),
                MinhashDedupFilter(f"{scratch}/remove"),
                JsonlWriter(f"{scratch}/kept", compression=None),
            ],
            1,
        ),
    ]
    start = processor_seconds()
    for number, (pipeline, tasks) in enumerate(stages):
        LocalPipelineExecutor(
            pipeline, tasks=tasks, workers=1, logging_dir=f"{scratch}/logs{number}"
        ).run()
    seconds = processor_seconds() - start
    kept = []
    for name in sorted(os.listdir(f"{scratch}/kept")):
        with open(f"{scratch}/kept/{name}", encoding="utf-8") as lines:
            kept.extend(json.loads(line)["id"] for line in lines)
    return seconds, kept


def run_text_dedup(source: str, scratch: str) -> tuple[float, list[str]]:
    import datasets
    from text_dedup import minhash

    output = f"{scratch}/kept"
    arguments = [
        *("--path", "json", "--data_files", source, "--split", "train", "--cache_dir", f"{scratch}/cache"),
        *("--output", output, "--column", "text", "--batch_size", "10000", "--num_proc", "1"),
        *("--num_perm", "112", "--b", "14", "--r", "8", "--ngram", "5", "--min_length", "1"),
        *("--hash_func", "xxh3", "--hash_bits", "64"),
    ]
    start = processor_seconds()
    minhash.main(arguments, standalone_mode=False)
    seconds = processor_seconds() - start
    return seconds, datasets.load_from_disk(output)["id"][:]


if __name__ == "__main__":
    tool, source, scratch = sys.argv[1:]
    run = {"datatrove": run_datatrove, "text-dedup": run_text_dedup}[tool]
    seconds, kept = run(source, scratch)
    print(json.dumps({"seconds": seconds, "kept": list(kept)}))
