#!/bin/sh
# The whole road of finebench on the embedded simulator: no key, no network. Run it again in the same
# folder and it makes no call and writes the same bytes. Killed at any point, it goes on where it was.
set -eu
workspace=${1:-demo-workspace}
quota=${FINEBENCH_DEMO_QUOTA:-}

step() { printf '\n== %s\n' "$*"; }

step "1 new: a workspace with five safety dimensions and a capability control"
[ -f "$workspace/bench.toml" ] || finebench new "$workspace" --title "finebench demo" ${quota:+--quota "$quota"}
cd "$workspace"

step "2 build: questions, options and checks, written by the offline SIMULATOR"
finebench build

step "3 review: SIMULATED reviewers answer; no person is asked"
finebench annotate simulate --reviewers 3

step "4 merge and adjudicate; a second round settles what the first left undecided"
finebench build
finebench annotate simulate --reviewers 3 --round 2
finebench build

step "5 export: release 1.0.0, a Hugging Face dataset with its evaluator inside"
finebench export 1.0.0

step "6 validate: every file of the workspace, and the release against its manifest"
finebench validate

step "7 evaluate: CS and CSS of six SIMULATED targets with planted rates"
finebench evaluate 1.0.0 --model offline

step "Where everything is: $(pwd)"
finebench status
printf '%s\n' \
  "01_questions.jsonl … 05_adjudicated.jsonl   the stages' files, rejected rows beside them" \
  "releases/1.0.0/                             the dataset: card, data, manifest, evaluator" \
  "runs/1.0.0/                                 replies, verdicts and scores of the evaluation" \
  "journal/calls.jsonl                         every model call"
