import { posix } from 'node:path';
import { quoteForShell } from '../../transport/ssh/command-line.js';
import { unpackOnce } from '../unpack-once.js';
import { otherMajorNext } from './programs.js';
import { NO_DATABASE, SUPERUSER } from './server-files.js';

export interface StartScript {
  /** The service's folder, where the script and the files that it reads are. */
  readonly folder: string;
  /** The folder of PostgreSQL's programs. */
  readonly programs: string;
  readonly major: number;
  /** An archive that the programs are unpacked from where they are not there yet. */
  readonly archive?: string;
  /** A file of the folder, which is made when the server is ready. */
  readonly ready: string;
}

/**
 * A POSIX shell script that prepares a data folder and becomes the server: its pid is the server's. Run again, it leaves
 * data as they are. As root, which PostgreSQL refuses, it becomes another account.
 */
export const startScript = ({ folder, programs, major, archive, ready }: StartScript): string => `#!/bin/sh
# Written by metalab at each start.
set -eu
umask 077

fail() {
  echo "metalab: $1" >&2
  echo "  next: $2" >&2
  exit 1
}

${archive === undefined ? '' : unpackOnce(archive, posix.dirname(programs))}
folder=${quoteForShell(folder)}
programs=${quoteForShell(programs)}
data=$folder/data
rm -f "$folder"/ready-*

# PostgreSQL gets nothing of the environment: what is secret there is none of its business.
clean() { exec env -i PATH="$PATH" \${LD_LIBRARY_PATH+"LD_LIBRARY_PATH=$LD_LIBRARY_PATH"} LC_ALL=C "$@"; }
account=
if [ "$(id -u)" != 0 ]; then
  become() { clean "$@"; }
else
  for account in postgres nobody; do id "$account" >/dev/null 2>&1 && break; done
  command -v setpriv >/dev/null 2>&1 ||
    fail "PostgreSQL does not run as root, and there is no setpriv (util-linux) to run it as $account" \\
      "install util-linux, or start the services as another user"
  group=$(id -g "$account")
  caps=
  become() { clean setpriv --reuid="$account" --regid="$group" --clear-groups $caps "$@"; }
  reaches() { (become sh -c '[ -x "$1" ] && [ -x "$2/postgres" ]' sh "$folder" "$programs"); }
  # Root's home is usually closed to others: this account may pass through, and nothing changes for other processes.
  if ! reaches; then
    caps='--securebits=+no_setuid_fixup --inh-caps=+dac_override --ambient-caps=+dac_override'
    reaches 2>/dev/null || fail "PostgreSQL does not run as root, and $account can't enter $folder or run $programs/postgres" \\
      "let others pass through the folders above them (chmod o+x), or start the services as another user"
  fi
fi
run() { (become "$@"); }
put() { run sh -c 'cat > "$1"' sh "$data/$1" < "$folder/$1"; }

fresh=
if [ -e "$data" ] && ! rmdir "$data" 2>/dev/null; then
  [ -f "$data/metalab" ] ||
    fail "$data has files that are not metalab's: they are left as they are" \\
      "move the folder away if nothing needs it"
  major=$(cat "$data/PG_VERSION")
  [ "$major" = ${major} ] ||
    fail "the data in $data are of PostgreSQL $major, and $programs is PostgreSQL ${major}" \\
      "${otherMajorNext('$data', '$major')}"
else
  # What is left of an attempt that was killed. Only a whole folder gets the name.
  fresh=$data.initdb
  rm -rf "$fresh"
  mkdir -p "$fresh"
  [ -z "$account" ] || chown "$account:$group" "$fresh"
  run "$programs/initdb" --pgdata="$fresh" --username=${SUPERUSER} --auth=reject --data-checksums \\
    --encoding=UTF8 --no-locale >"$folder/initdb.out" 2>&1 || { cat "$folder/initdb.out" >&2; exit 1; }
  rm -f "$folder/initdb.out"
  run sh -c ': > "$1/metalab"' sh "$fresh"
  mv "$fresh" "$data"
fi
put metalab.conf
put metalab_hba.conf

# After a reboot, or on another node, the pid of the last server may be that of any process. A killed server may be a zombie
# for a while, which PostgreSQL would take for a server.
is_server() {
  if [ -e /proc/self/comm ]; then
    grep -q postgres "/proc/$1/comm" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
  else ps -p "$1" -o stat=,comm= 2>/dev/null | grep -v '^Z' | grep -q postgres; fi
}
last=$(sed -n 1p "$data/postmaster.pid" 2>/dev/null || :)
if [ -n "$last" ] && ! is_server "$last"; then rm -f "$data/postmaster.pid"; fi

# Without connections, so that no password has to be sent. A failure must not bring the statement into the log.
single() {
  run "$programs/postgres" --single -j -D "$data" -c config_file="$data/metalab.conf" -c exit_on_error=true \\
    -c log_min_error_statement=panic -c log_checkpoints=off postgres 2>"$folder/prepare.out"
}
attempt=0
until answer=$(cat "$folder/roles.sql" \${fresh:+"$folder/database.sql"} | single); do
  # After a kill, the server's children need a moment to end.
  [ $attempt -lt 100 ] && grep -q 'shared memory block' "$folder/prepare.out" || { cat "$folder/prepare.out" >&2; exit 1; }
  attempt=$((attempt + 1))
  sleep 0.1
done
cat "$folder/prepare.out" >&2
# A database that the configuration names since then.
case $fresh:$answer in
  :*${quoteForShell(NO_DATABASE)}*) single <"$folder/database.sql" >/dev/null || { cat "$folder/prepare.out" >&2; exit 1; } ;;
esac
rm -f "$folder/prepare.out"

# The server listens before it answers. What waits for that is no child of the server's, and ends with it.
( (
  until [ "$(sed -n '1p;8p' "$data/postmaster.pid" 2>/dev/null | tr -d ' \\n')" = "$$ready" ]; do
    kill -0 $$ 2>/dev/null || exit
    sleep 0.05
  done
  : >"$folder/"${quoteForShell(ready)}
) & )
become "$programs/postgres" -D "$data" -c config_file="$data/metalab.conf"
`;
