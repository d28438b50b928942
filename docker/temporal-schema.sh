#!/bin/sh
# Creates both databases of a Temporal server on PostgreSQL and brings their schemas up to date. Can be run again: then it
# changes nothing. docker-compose.yml runs it, and so does what starts the tests' server.
#
# The sql tool reads SQL_PLUGIN, SQL_HOST, SQL_PORT, SQL_USER and SQL_PASSWORD.
set -eu
tool=${SQL_TOOL:-temporal-sql-tool}

up_to_date() {
  "$tool" --database "$1" create-database
  "$tool" --database "$1" setup-schema -v 0.0
  "$tool" --database "$1" update-schema --schema-name "$2"
}

up_to_date temporal postgresql/v12/temporal
up_to_date temporal_visibility postgresql/v12/visibility
