"""The evaluator: asks a model every item in three forms, has open replies judged, scores CS and CSS.

Importing any module here needs the standard library only; ``openai`` is imported when a client is
opened. The package is copied verbatim into each release.
"""
