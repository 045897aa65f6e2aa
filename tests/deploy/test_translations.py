"""Every text for people has a place in the catalogues, and what is in the catalogues can be filled in."""

from pathlib import Path

import pytest

from deploy import translations
from deploy.translations import Text


@pytest.fixture
def catalogues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Catalogues of one made-up service, in one language, in a folder of their own."""
    monkeypatch.setattr(translations, "ROOT", tmp_path)
    monkeypatch.setattr(translations, "TRANSLATED", ("kk",))

    def catalogue(service: str, language: str) -> Path:
        return tmp_path / f"{service}.{language}.po"

    monkeypatch.setattr(translations, "catalogue", catalogue)
    return tmp_path


def needing(monkeypatch: pytest.MonkeyPatch, *texts: Text) -> None:
    monkeypatch.setattr(translations, "expected", lambda: {"desk": {text: ["desk.py"] for text in texts}})


def test_a_new_text_is_missing_until_it_is_translated_and_stale_when_it_is_gone(
    catalogues: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needing(monkeypatch, "Hello")
    assert translations.extract() == [catalogues / "desk.kk.po"]
    assert translations.extract() == [], "the same again changes nothing"
    assert "no translation of 'Hello'" in translations.check()[0]
    file = catalogues / "desk.kk.po"
    file.write_text(file.read_text().replace('"Hello"\nmsgstr ""', '"Hello"\nmsgstr "Сәлем"'))
    assert translations.check() == []
    needing(monkeypatch, "Goodbye")
    assert ["stale" in complaint for complaint in translations.check()] == [False, True]
    translations.extract()
    assert "Hello" not in file.read_text()


def test_a_translation_and_its_mark_survive_what_comes_beside_it(
    catalogues: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needing(monkeypatch, "Hello")
    translations.extract()
    file = catalogues / "desk.kk.po"
    marked = '# unchecked\n#: desk.py\nmsgid "Hello"\nmsgstr "Сәлем"'
    file.write_text(file.read_text().replace('#: desk.py\nmsgid "Hello"\nmsgstr ""', marked))
    needing(monkeypatch, "Anew", "Hello", ("{n} case", "{n} cases"))
    translations.extract()
    assert marked in file.read_text()


@pytest.mark.parametrize(
    ("text", "translation", "named"),
    [("by {at}", "уақытында", "{at}"), ("soon", "{at} дейін", "{at}"), ("%(n)s cases", "{n} іс", None)],
)
def test_a_translation_fills_in_what_its_text_fills_in(
    catalogues: Path, monkeypatch: pytest.MonkeyPatch, text: str, translation: str, named: str | None
) -> None:
    needing(monkeypatch, text)
    translations.extract()
    file = catalogues / "desk.kk.po"
    file.write_text(file.read_text().replace(f'msgid "{text}"\nmsgstr ""', f'msgid "{text}"\nmsgstr "{translation}"'))
    assert [f"loses or invents {named}" in complaint for complaint in translations.check()] == ([True] if named else [])


def test_texts_are_found_in_code_in_templates_and_in_data() -> None:
    found = translations.texts_of("intake")
    assert found["What is troubling you?"]
    assert "services/intake/help_at_once.yaml" in found["Police"]
    assert "services/intake/domain/errors.py" in found["There is no such report; check the receipt."]
    shared = translations.texts_of("chassis")
    assert shared["Skip to the content"]
    assert "services/chassis/categories.yaml" in shared["Water leak"]
