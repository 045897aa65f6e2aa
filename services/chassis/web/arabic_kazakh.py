"""Kazakh in Arabic script (töte jazu), as it is written in China, from Kazakh in Cyrillic: one text, two scripts."""

import re

_LETTERS = {
    "а": "ا", "ә": "ا", "б": "ب", "в": "ۆ", "г": "گ", "ғ": "ع", "д": "د", "е": "ە", "ё": "يو", "ж": "ج",
    "з": "ز", "и": "ي", "й": "ي", "к": "ك", "қ": "ق", "л": "ل", "м": "م", "н": "ن", "ң": "ڭ", "о": "و",
    "ө": "و", "п": "پ", "р": "ر", "с": "س", "т": "ت", "у": "ۋ", "ұ": "ۇ", "ү": "ۇ", "ф": "ف", "х": "ح",
    "һ": "ھ", "ц": "تس", "ч": "چ", "ш": "ش", "щ": "شش", "ъ": "", "ы": "ى", "і": "ى", "ь": "", "э": "ە",
    "ю": "يۋ", "я": "يا",
}  # fmt: skip

_HAMZA = "ء"
_SOFT = frozenset("әөүі")
"""Front vowels: in Arabic letters they look like the back ones, and a hamza before the word tells them apart."""
_TELLING = frozenset("егкэ")
"""Letters that only soft words have: with one of them the hamza is left out."""

_PUNCTUATION = {",": "،", ";": "؛", "?": "؟"}

_UNTOUCHED = re.compile(r"(\{[^{}]*\}|%\([^)]*\)[a-z]|%[a-z]|<[^>]*>|&#?\w+;|https?://\S+)")
"""What a program fills in or reads."""
_WORD = re.compile(r"[а-яёәғқңөұүһі]+", re.IGNORECASE)
_NUMBER_COMMA = re.compile(r"(?<!\d),|,(?!\d)|[;?]")


def in_arabic_script(text: str) -> str:
    """`text` with its Cyrillic words in Arabic letters; placeholders, markup and other scripts stay as they are."""
    parts = _UNTOUCHED.split(text)
    return "".join(part if nth % 2 else _letters(part) for nth, part in enumerate(parts))


def _letters(text: str) -> str:
    text = _NUMBER_COMMA.sub(lambda found: _PUNCTUATION[found[0]], text)
    return _WORD.sub(lambda found: _word(found[0].lower()), text)


def _word(word: str) -> str:
    soft = not _SOFT.isdisjoint(word) and _TELLING.isdisjoint(word)
    return (_HAMZA if soft else "") + "".join(_LETTERS[letter] for letter in word.replace("ия", "иа"))
