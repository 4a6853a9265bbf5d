"""A web archive through datatrove: Trafilatura, then the filters of FineWeb, in one process.

usage: pages.py <archive.warc.gz> <scratch folder>
Prints one JSON line: processor seconds (imports left out), pages extracted and kept, peak memory.
"""

import json
import os
import resource
import sys


def main(archive: str, scratch: str) -> None:
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )
    from datatrove.pipeline.readers import WarcReader
    from datatrove.pipeline.writers import JsonlWriter
    from loguru import logger

    logger.remove()

    def usage() -> float:
        total = 0.0
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
            spent = resource.getrusage(who)
            total += spent.ru_utime + spent.ru_stime
        return total

    out = os.path.join(scratch, "kept")
    before = usage()
    executor = LocalPipelineExecutor(
        pipeline=[
            WarcReader(os.path.dirname(archive), glob_pattern=os.path.basename(archive)),
            Trafilatura(favour_precision=True, timeout=10),
            GopherRepetitionFilter(),
            GopherQualityFilter(),
            C4QualityFilter(filter_no_terminal_punct=False),
            FineWebQualityFilter(),
            JsonlWriter(out, compression=None),
        ],
        tasks=1,
        logging_dir=os.path.join(scratch, "logs"),
    )
    stats = executor.run()
    seconds = usage() - before
    kept = sum(
        1 for name in os.listdir(out) for _ in open(os.path.join(out, name), encoding="utf-8")
    )
    extracted = next(
        step.stats["forwarded"].total for step in stats.stats if "Trafilatura" in step.name
    )
    peak = max(
        resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(
        json.dumps(
            {
                "seconds": seconds,
                "extracted": int(extracted),
                "kept": kept,
                "peakBytes": peak * 1024,
                "extractSeconds": None,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
