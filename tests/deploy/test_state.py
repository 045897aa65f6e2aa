"""What a machine settles at its first start."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local.environment import dsns, migration_environment, service_environment
from deploy.local.home import Home
from deploy.local.lock import Held, held, is_held
from deploy.local.logs import bound, open_log, tail
from deploy.local.migrated import Migrated
from deploy.local.production import NotForProduction, refuse_production
from deploy.local.state import SERVICES, load


def test_secrets_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    assert load(home) == load(home)
    assert home.state.stat().st_mode & 0o777 == 0o600
    assert home.folder.stat().st_mode & 0o777 == 0o700


def test_of_first_starts_at_once_one_wins(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = {state.service_key for state in pool.map(load, [Home(tmp_path)] * 8)}
    assert len(keys) == 1


def test_a_state_of_an_earlier_version_is_completed_once(tmp_path: Path) -> None:
    home = Home(tmp_path)
    whole = load(home)
    kept = json.loads(home.state.read_text())
    del kept["issuer_port"]
    home.state.write_text(json.dumps(kept))
    with ThreadPoolExecutor(8) as pool:
        (completed,) = {state.issuer_port for state in pool.map(load, [home] * 8)}
    assert replace(load(home), issuer_port=whole.issuer_port) == whole
    assert load(home).issuer_port == completed
    assert home.state.stat().st_mode & 0o777 == 0o600


def test_no_secret_is_used_twice(tmp_path: Path) -> None:
    one, other = (load(Home(tmp_path / name)) for name in ("one", "other"))
    keys = [one.service_key, one.receipt_key, one.credential_key, other.service_key]
    keys += [key for each in one.services.values() for key in (each.fingerprint_key, each.particulars_key)]
    passwords = [
        password
        for each in one.services.values()
        for password in (each.owner_password, each.application_password, each.worker_password)
    ]
    assert len(set(keys)) == len(keys)
    assert len(set(passwords)) == len(passwords) == 12


def test_a_serving_process_has_no_way_in_as_owner(tmp_path: Path) -> None:
    state = load(Home(tmp_path))
    for service in SERVICES:
        told = json.dumps(service_environment(Home(tmp_path), state, service))
        assert dsns(state, service).owner not in told
        assert state.services[service].owner_password not in told
        assert state.staff_private_key not in told
        assert migration_environment(Home(tmp_path), state, service)["DOORSTEP_OWNER_DSN"] == dsns(state, service).owner


def test_a_service_is_told_nobody_elses_keys(tmp_path: Path) -> None:
    state = load(Home(tmp_path))
    assert "DOORSTEP_RECEIPT_KEY" in service_environment(Home(tmp_path), state, "intake")
    told = service_environment(Home(tmp_path), state, "reporting")
    assert "DOORSTEP_RECEIPT_KEY" not in told
    assert "DOORSTEP_CREDENTIAL_KEY" not in told
    assert state.services["intake"].particulars_key not in json.dumps(told)


def test_production_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_production()
    monkeypatch.setenv("DOORSTEP_ENV", "production")
    with pytest.raises(NotForProduction, match="unset DOORSTEP_ENV"):
        refuse_production()


def test_one_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "run" / "lock"
    assert not is_held(path)
    with held(path):
        assert is_held(path)
        with pytest.raises(Held), held(path):
            pass
    assert not is_held(path)


def test_a_log_stays_small_under_a_writer(tmp_path: Path) -> None:
    with open_log(tmp_path / "part.log") as log:
        log.write(b"old\n" * 100)
        bound(tmp_path, limit=100)
        log.write(b"new\n")
    assert (tmp_path / "part.log").read_bytes() == b"new\n"
    assert (tmp_path / "part.log.1").read_bytes() == b"old\n" * 100
    assert tail(tmp_path / "part.log") == ["new"]


def test_a_database_is_prepared_again_for_other_code_or_when_it_is_new(tmp_path: Path) -> None:
    path = tmp_path / "migrated.json"
    now = Migrated.by_present_code(path)
    assert not now.is_done("intake")
    now.done("intake")
    now.done("reporting")
    assert Migrated.by_present_code(path).is_done("intake")
    assert not Migrated(path, "other code").is_done("intake")
    now.forget("intake")
    assert not now.is_done("intake")
    assert now.is_done("reporting")
