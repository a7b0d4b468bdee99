"""Start the evaluator of a release: ``python -I evaluator run …`` or ``python -I evaluator score …``."""

import sys
from pathlib import Path

from engine.cli import main  # the folder itself stands first on the path when it is started

if __name__ == "__main__":
    sys.exit(main(folder=Path(__file__).resolve().parent))
