"""How the benchmarks talk to a peer: started once, it runs once for each line that it reads, and answers with a line.

The arguments are the subject, the input, a folder to write into, and how many threads it may use. What a run publishes comes into
the folder `out` of that folder, as Parquet.
"""

import json
import os
import shutil
import sys
from pathlib import Path


def serve(subjects):
    """Runs the subject that is asked for. `subjects` are functions of input, folder and threads, by name; each returns how many
    rows it rejected."""
    subject, source, folder, threads = sys.argv[1:]
    run = subjects[subject]
    # Libraries print as they like; the answers are for the benchmark alone.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    print("{}", file=answers, flush=True)
    for _ in sys.stdin:
        out = Path(folder) / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        rejected = run(source, Path(folder), int(threads))
        print(json.dumps({"rejected": rejected}), file=answers, flush=True)
