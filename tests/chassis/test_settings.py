"""A variable that is missing or wrong is named when a service starts, and no key gets into its log by that."""

import pytest
from pydantic import ValidationError

from services.chassis.particulars import Vault
from services.notifications.settings import NotificationsSettings

SECRETS = {
    "DOORSTEP_SERVICE_KEY": "abcdefghijklmnopqr",
    "DOORSTEP_SMS_KEY": "bcdefghijklmnopqrs",
    "DOORSTEP_FINGERPRINT_KEY": "cdefghijklmnopqrst",
    "DOORSTEP_PARTICULARS_KEYS": "defghijklmnopqrstu",
    "DOORSTEP_APPLICATION_DSN": "efghijklmnopqrstuv",
    "DOORSTEP_WORKER_DSN": "fghijklmnopqrstuvw",
}
WHOLE = {**SECRETS, "DOORSTEP_PORT": "1", "DOORSTEP_KAFKA": "nowhere", "DOORSTEP_ENV": "local"}


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"DOORSTEP_OIDC_ISSUER": "https://issuer.test"}, "DOORSTEP_PUBLIC_URL"),
        ({"DOORSTEP_SMS_URL": "ftp://gateway.test"}, "DOORSTEP_SMS_URL"),
        ({"DOORSTEP_KAFKA": None}, "kafka"),
        ({"DOORSTEP_PORT": "none"}, "port"),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_is_told(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, str | None], named: str
) -> None:
    for name, value in {**WHOLE, **changed}.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as wrong:
        NotificationsSettings.from_environment()
    assert named in str(wrong.value)
    assert not [value for value in SECRETS.values() if value[:6] in str(wrong.value) or value[-6:] in str(wrong.value)]


@pytest.mark.parametrize("keys", ["abcdefghijklmnopqr:1", "abcdefghijklmnopqr", "1:abcdefghijklmnopqr"])
def test_keys_that_can_t_be_read_are_not_told(keys: str) -> None:
    with pytest.raises(ValueError, match="DOORSTEP_PARTICULARS_KEYS") as wrong:
        Vault(keys)
    assert "abcdef" not in str(wrong.value)
    assert wrong.value.__suppress_context__
