"""Stage 7: the evaluator, copied verbatim into each release; imports nothing of ours."""
