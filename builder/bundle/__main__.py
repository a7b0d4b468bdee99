"""Start the evaluator of a release: ``python -I evaluator run …`` or ``python -I evaluator score …``."""

import sys
from pathlib import Path

sys.dont_write_bytecode = True  # keep the engine from leaving its own behind in a release

from engine.cli import main  # noqa: E402 - the folder itself stands first on the path when it is started

if __name__ == "__main__":
    sys.exit(main(folder=Path(__file__).resolve().parent))
