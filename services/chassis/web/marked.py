"""Marks texts for people that are constants, so that they stand in the catalogues; whoever shows them translates."""


def marked(text: str) -> str:
    return text


def marked_plural(one: str, many: str) -> tuple[str, str]:
    """For `Language.ngettext`."""
    return one, many
