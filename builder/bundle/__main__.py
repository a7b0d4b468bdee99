"""Start the evaluator of a release: ``python -I evaluator run …`` or ``python -I evaluator score …``."""

import shutil
import sys
from pathlib import Path

# Neither leave compiled code behind in a release, nor run any that lies there: the source is what is verified.
# This file itself is compiled before its first line runs.
shutil.rmtree(Path(__file__).resolve().with_name("__pycache__"), ignore_errors=True)
sys.dont_write_bytecode = True
sys.pycache_prefix = str(Path(__file__).resolve().with_name("no-such-folder"))

from engine.cli import main  # noqa: E402 - the folder itself stands first on the path when it is started

if __name__ == "__main__":
    sys.exit(main(folder=Path(__file__).resolve().parent))
