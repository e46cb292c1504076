#!/usr/bin/env bash
# Debian's PostgreSQL, for the tests that keep results and jobs in one. They start a cluster of their own.
. "$(dirname "$0")/common.sh"

binary() { ls /usr/lib/postgresql/*/bin/postgres 2>/dev/null | tail -n 1; }

[ -n "$(binary)" ] || need "/usr/lib/postgresql/*/bin/postgres" postgresql
say "$("$(binary)" --version) is here"
