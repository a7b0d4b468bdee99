"""Releases on the Hugging Face Hub: publishing, reading back, what was published."""
