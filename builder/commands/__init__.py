"""The commands of ``finebench``, one module for each group of them."""
