# /// script
# requires-python = ">=3.11"
# dependencies = ["openai[aiohttp]>=3.54"]
# ///
"""Start the evaluator of a release with what it needs to ask: ``uv run evaluator/fine_eval.py run --model …``.

``uv`` reads the lines above and brings ``openai`` along, in an environment of its own outside the release. It is
the same evaluator as ``python -I evaluator …``, with the same numbers.
"""

import sys
from pathlib import Path

# As in __main__.py: neither leave compiled code behind in a release, nor run any that lies there. A script is not
# compiled to a file itself.
sys.dont_write_bytecode = True
sys.pycache_prefix = str(Path(__file__).resolve().with_name("no-such-folder"))

from engine.cli import main  # noqa: E402 - a script's own folder stands first on the path

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main(folder=Path(__file__).resolve().parent))
