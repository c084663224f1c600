"""The rivals that a trained model must beat, from a list of keywords to fine-tuning as everyone does it first."""
