"""The dataset card: manifest and rows enter; its text, head and figures leave."""
