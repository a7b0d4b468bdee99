"""The report on runs: scores, what lies behind each, and how they were made, as a page, files and tables."""
