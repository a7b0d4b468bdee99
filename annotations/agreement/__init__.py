"""How far reviewers agree: their labels enter; percent agreement, alpha and AC1 with intervals leave."""
