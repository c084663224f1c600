"""The way of sentences to annotators and back: formats of tools, votes, suspected errors, what to label next."""
