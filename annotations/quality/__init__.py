"""How well each reviewer reviews: annotation rows enter; accuracy, pace, drift and position bias leave."""
