#!/bin/sh
# Run once, by the postgres image, on an empty data folder: four databases with three roles each, none of which is a
# superuser or passes row-level security by, and nobody else may connect. The embedded stack makes the same
# (deploy/local/postgres.py).
set -eu

role() {
    # psql quotes what it is told as variables; a password never becomes part of a statement's text here.
    psql --username "$POSTGRES_USER" --dbname postgres --set ON_ERROR_STOP=1 --set role="$1" --set password="$2" <<'SQL'
CREATE ROLE :"role" LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'password';
SQL
}

for service in intake mediation notifications reporting; do
    NAME=$(echo "$service" | tr '[:lower:]' '[:upper:]')
    for kind in owner application worker; do
        KIND=$(echo "$kind" | tr '[:lower:]' '[:upper:]')
        role "${service}_${kind}" "$(printenv "DOORSTEP_${NAME}_${KIND}_PASSWORD")"
    done
    psql --username "$POSTGRES_USER" --dbname postgres --set ON_ERROR_STOP=1 \
        --set database="doorstep_${service}" --set owner="${service}_owner" \
        --set application="${service}_application" --set worker="${service}_worker" <<'SQL'
CREATE DATABASE :"database" OWNER :"owner";
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"application", :"worker";
SQL
done
psql --username "$POSTGRES_USER" --dbname postgres --set ON_ERROR_STOP=1 \
    --command 'REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC'
