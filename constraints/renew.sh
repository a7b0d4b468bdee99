#!/bin/sh
# Pin the newest versions: name==version lines only, so that no registry is ever written down.
set -eu
python=${1:-python3}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

freeze() {  # environment, file: what is installed, without finebench itself and pip
  "$work/$1/bin/python" -m pip freeze --exclude finebench --exclude pip --exclude setuptools \
    | grep -E '^[A-Za-z0-9._-]+==[A-Za-z0-9.+!-]+$' | sort -f > "$here/$2"
}

"$python" -m venv "$work/build"
"$work/build/bin/python" -m pip install --quiet hatchling editables
freeze build build.txt

"$python" -m venv "$work/runtime"
"$work/runtime/bin/python" -m pip install --quiet "$here/.."
freeze runtime runtime.txt

# The tools for tests and checks, on top of the runtime.
"$work/runtime/bin/python" -m pip install --quiet -c "$here/runtime.txt" \
  hypothesis import-linter mypy pandas-stubs playwright pytest pytest-xdist ruff types-PyYAML uv
freeze runtime dev.txt

# The peers that benchmarks compare with: what they add to the runtime, and nothing else.
"$python" -m venv "$work/bench"
"$work/bench/bin/python" -m pip install --quiet -r "$here/runtime.txt"
"$work/bench/bin/python" -m pip install --quiet -c "$here/runtime.txt" datasketch
freeze bench bench.txt
grep -vixFf "$here/runtime.txt" "$here/bench.txt" > "$work/added"
mv "$work/added" "$here/bench.txt"

# The peers with dependencies of their own: evaluators that run our releases (openai is how inspect-ai
# reaches an endpoint, datasets how it reads the Hub), and the checker of their metadata.
"$python" -m venv "$work/peers"
"$work/peers/bin/python" -m pip install --quiet datasets inspect-ai 'lm-eval[api]' mlcroissant openai
freeze peers peers.txt

# The Label Studio server for review rounds: as large as everything else together.
"$python" -m venv "$work/label-studio"
"$work/label-studio/bin/python" -m pip install --quiet label-studio
freeze label-studio label-studio.txt
