"""Marks texts for people that are constants, so that they stand in the catalogues; whoever shows them translates."""


def marked(text: str) -> str:
    return text
