import type { SlurmExecutorConfig } from '../../config/resolved-config.js';
import { LANGUAGE_LINES, setUpLines } from '../../execution/slurm/task/batch-script.js';
import { quoteForShell } from '../../transport/ssh/command-line.js';
import { MAX_LOG_BYTES } from '../log-size.js';
import type { SlurmFragment } from '../plugin.js';
import type { ReadinessCheck } from '../service.js';
import { type ClusterFiles, givenFile } from './cluster-files.js';

export interface ScriptedService extends Pick<SlurmFragment, 'setup' | 'cleanup' | 'readiness' | 'health'> {
  readonly name: string;
  readonly port: number;
}

export interface JobScriptOptions extends Pick<SlurmExecutorConfig, 'modules' | 'conda_env' | 'setup'> {
  readonly files: ClusterFiles;
  readonly number: number;
  /** The number of the job that it follows, which ends before it begins; null: none. */
  readonly after: number | null;
  /** How long it may run, if Slurm does not say. Seconds. */
  readonly time_s: number;
  /** What its services read, in the order of their files in the job's folder. */
  readonly places: readonly string[];
  /** In the order of their starts. */
  readonly services: readonly ScriptedService[];
}

/** Begins what `state/failed` has where a port was taken, followed by the service's name. */
export const PORT_TAKEN = 'port taken: ';

/**
 * The script of the one job of all services. It starts them in order, each once the one before is ready; starts again
 * what dies; and ends them in reverse order, whatever it ends of. What it knows is in small files of `state/`, each
 * written in one step:
 *
 *     host               the node
 *     since, until       when it began, and when Slurm will end it
 *     ready-{service}    since when it answers; missing: it does not
 *     restarts-{service} how often it was started again
 *     all                all were ready: the start is over
 *     failed             what failed, for people
 *     ended              everything has ended, and why
 *     beat               touched every few seconds
 */
export function jobScript({
  files,
  number,
  after,
  time_s,
  places,
  services,
  ...environment
}: JobScriptOptions): string {
  return [
    // A login shell, which defines `module` and `conda`. Bash: it can connect to ports by itself.
    '#!/bin/bash -l',
    `metalab_says() { printf 'metalab: %s\\n' "$*" >&2; }`,
    ...LANGUAGE_LINES,
    ...setUpLines(environment),
    `metalab_root=${quoteForShell(files.root)}`,
    `metalab_number=${number} metalab_after=${after ?? 'none'} metalab_seconds=${time_s}`,
    `metalab_count=${services.length}`,
    'metalab_place() {',
    // A function needs a command.
    ':',
    ...places.map(
      (path, at) =>
        `metalab_copy ${quoteForShell(givenFile(files.job(number), at))} ${quoteForShell(path)} || return`,
    ),
    '}',
    ...services.flatMap((service, at) => [
      `metalab_name_${at}=${quoteForShell(service.name)}`,
      `metalab_log_${at}=${quoteForShell(files.log(service.name))}`,
      `metalab_port_${at}=${service.port}`,
      `metalab_setup_${at}() {`,
      ':',
      ...service.setup,
      '}',
      `metalab_cleanup_${at}() {`,
      ':',
      ...service.cleanup,
      '}',
      `metalab_ready_${at}() { ${readinessLine(service.readiness)}; }`,
      `metalab_healthy_${at}() { ${readinessLine(service.health ?? service.readiness)}; }`,
    ]),
    LIFE,
  ].join('\n');
}

function readinessLine(check: ReadinessCheck): string {
  if (check.type === 'file') return `[ -e ${quoteForShell(check.path)} ]`;
  if (check.type === 'port') return `metalab_listens ${check.port}`;
  if (check.type === 'reply')
    return `metalab_replies ${check.port} ${quoteForShell(check.request.map(octal).join(''))}`;
  return `metalab_answers ${check.port} ${quoteForShell(check.path)}`;
}

const octal = (byte: number) => `\\${byte.toString(8).padStart(3, '0')}`;

const LIFE = String.raw`umask 077
cd "$metalab_root/jobs/$metalab_number" || exit 74
# Slurm may have accepted it twice, where its first answer was lost.
metalab_job=$SLURM_ARRAY_JOB_ID
( set -C; echo "$metalab_job" > claimed ) 2>/dev/null || [ "$(cat claimed)" = "$metalab_job" ] || exit 0
mkdir -p live state "$metalab_root/log"
echo "{\"job\":\"$metalab_job\"}" > live/0.json
metalab_tell() { printf '%s\n' "$2" > "state/.$1" && mv -f "state/.$1" "state/$1"; }
metalab_now() { date -u +%Y-%m-%dT%H:%M:%SZ; }
# Signals end the wait at once, which they don't with a command in the foreground.
metalab_nap() {
  if [ "$SECONDS" -ge "$metalab_beat" ]; then : > state/beat; metalab_beat=$((SECONDS + 5)); fi
  sleep "$1" & wait $!
}
metalab_beat=0
# Something that hangs accepts connections as long as its queue has room; then they take minutes to fail.
metalab_connected() { timeout 5 /bin/bash -c "exec 3<> /dev/tcp/127.0.0.1/$1 && $2" "$3" 2>/dev/null; }
metalab_listens() { metalab_connected "$1" :; }
metalab_replies() { metalab_connected "$1" 'printf "$0" >&3 && IFS= read -r -d "" -n 1 <&3' "$2"; }
metalab_answers() {
  metalab_connected "$1" 'printf "GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n" "$0" >&3 &&
    read -r _ status _ <&3 && [ "$status" -lt 400 ]' "$2"
}
# Another job has taken over, or it was asked to end.
metalab_is_current() {
  metalab_current=$(cat "$metalab_root/current" 2>/dev/null) || return 0
  [ -z "$metalab_current" ] || [ "$metalab_current" = "$metalab_number" ]
}
metalab_yield() {
  metalab_is_current || { metalab_why="another job has taken over, or it was asked to end"; exit 0; }
}
metalab_select() {
  eval "metalab_name=\$metalab_name_$1 SERVICE_LOG=\$metalab_log_$1 SERVICE_PID=\$metalab_pid_$1 metalab_port=\$metalab_port_$1"
}
metalab_tree() { ps -e -o pid=,ppid= | awk -v root="$1" '{ parent[$1] = $2 } END { for (pid in parent) { for (at = pid; at > 1 && at != root; at = parent[at]); if (at == root) print pid } }'; }
# What a service has started and lost, whoever its parent is by now.
metalab_marked() { grep -lszxF "METALAB_SERVICE_ID=$metalab_job/$metalab_name" /proc/[0-9]*/environ | cut -d / -f 3; }
metalab_lives() { [ -n "$SERVICE_PID" ] && kill -0 "$SERVICE_PID" 2>/dev/null; }

# What writes to it appends, and goes on.
metalab_bound_log() {
  [ "$(stat -c %s "$SERVICE_LOG" 2>/dev/null || echo 0)" -le ${MAX_LOG_BYTES} ] ||
    { cp "$SERVICE_LOG" "$SERVICE_LOG.1" && : > "$SERVICE_LOG"; }
}

metalab_stop() {
  metalab_select "$1"
  rm -f "state/ready-$metalab_name"
  metalab_left=$(metalab_marked)
  if [ -n "$SERVICE_PID" ]; then
    metalab_left="$metalab_left $(metalab_tree "$SERVICE_PID")"
    # A service that does not end holds up the others.
    ( metalab_left_s=60
      while [ "$metalab_left_s" -gt 0 ]; do sleep 1; metalab_left_s=$((metalab_left_s - 1)); done
      kill -KILL "$SERVICE_PID" ) 2>/dev/null &
    metalab_watchdog=$!
    disown "$metalab_watchdog"
    metalab_cleanup_$1 >> "$SERVICE_LOG" 2>&1
    kill -KILL "$metalab_watchdog" 2>/dev/null
  fi
  for metalab_pid in $metalab_left $(metalab_marked); do kill -KILL "$metalab_pid" 2>/dev/null; done
  eval "metalab_pid_$1="
}
metalab_begun=0
metalab_why=
metalab_end() {
  # A child that a signal meets before it has its own traps runs those of the script.
  [ "$BASHPID" = "$$" ] || return
  trap '' TERM INT HUP USR1
  trap - EXIT
  while [ "$metalab_begun" -gt 0 ]; do
    metalab_begun=$((metalab_begun - 1))
    metalab_stop "$metalab_begun"
  done
  [ -n "$metalab_why" ] || metalab_why="exit code $1"
  metalab_tell ended "$metalab_why"
}
trap 'metalab_end $?' EXIT
trap 'metalab_why="its time is over"; exit 0' USR1
trap 'metalab_why="Slurm ended the job"; exit 143' TERM
trap 'metalab_why="it was interrupted"; exit 130' INT HUP
metalab_fail() {
  metalab_why=$1
  metalab_says "$1"
  metalab_tell failed "$1"
  exit 1
}

# Starts a service, and waits until it is ready: 1 if it ended, 2 if that takes too long.
metalab_start() {
  metalab_select "$1"
  SERVICE_PID=
  [ "$metalab_begun" -gt "$1" ] || metalab_begun=$(($1 + 1))
  METALAB_SERVICE_ID="$metalab_job/$metalab_name" metalab_setup_$1 >> "$SERVICE_LOG" 2>&1 < /dev/null || return 1
  eval "metalab_pid_$1=\$SERVICE_PID"
  metalab_until=$((SECONDS + 120))
  until metalab_ready_$1; do
    metalab_lives || return 1
    metalab_yield
    [ "$SECONDS" -lt "$metalab_until" ] || return 2
    metalab_nap 0.1
  done
  metalab_lives || return 1
  metalab_tell "ready-$metalab_name" "$(metalab_now)"
}
metalab_explain() {
  if [ "$1" = 2 ]; then echo "$metalab_name did not get ready within 120 s"; else echo "$metalab_name ended while starting"; fi
}

metalab_tell host "$(hostname)"
metalab_time_left=$(date -d "$(squeue --noheader --job "$SLURM_JOB_ID" --format=%e 2>/dev/null)" +%s 2>/dev/null) ||
  metalab_time_left=$(($(date +%s) + metalab_seconds))
metalab_tell since "$(metalab_now)"
metalab_tell until "$(date -u -d "@$metalab_time_left" +%Y-%m-%dT%H:%M:%SZ)"
# It follows the job that may run until now.
[ "$metalab_after" = none ] || [ "$(cat "$metalab_root/current" 2>/dev/null)" != "$metalab_after" ] ||
  { echo "$metalab_number" > "$metalab_root/.current" && mv -f "$metalab_root/.current" "$metalab_root/current"; }
metalab_is_current || { metalab_why="another job has taken over"; exit 0; }
# A node that was lost may still run an earlier job, which then sees that this one has taken over.
metalab_until=$((SECONDS + 30))
for metalab_other in ../*/claimed; do
  metalab_other=$(dirname "$metalab_other")
  [ "$(basename "$metalab_other")" -lt "$metalab_number" ] || continue
  until [ -e "$metalab_other/state/ended" ] || [ "$SECONDS" -ge "$metalab_until" ]; do metalab_nap 1; done
  [ -e "$metalab_other/state/ended" ] || metalab_tell_lost="$metalab_tell_lost $metalab_other"
done
for metalab_other in $metalab_tell_lost; do echo "lost" > "$metalab_other/state/ended"; done

metalab_copy() {
  mkdir -p "$(dirname "$2")" && cp -p "$1" "$2.metalab" && mv -f "$2.metalab" "$2"
}
metalab_place || metalab_fail "the services' files could not be written (disk full?)"
metalab_at=0
while [ "$metalab_at" -lt "$metalab_count" ]; do
  metalab_select "$metalab_at"
  ! metalab_listens "$metalab_port" || metalab_fail "${PORT_TAKEN}$metalab_name"
  metalab_start "$metalab_at" || metalab_fail "$(metalab_explain $?)"
  metalab_at=$((metalab_at + 1))
done
metalab_tell all "$(metalab_now)"

metalab_restart() {
  eval "metalab_deaths=\$((metalab_deaths_$1 + 1)) metalab_restarts=\$((metalab_restarts_$1 + 1)) metalab_started=\${metalab_started_$1:-0}"
  [ $((SECONDS - metalab_started)) -lt 60 ] || metalab_deaths=1
  [ "$metalab_deaths" -lt 5 ] || metalab_fail "$metalab_name ended $metalab_deaths times in a row"
  metalab_says "$metalab_name ended: it is started again"
  metalab_stop "$1"
  metalab_nap "$((metalab_deaths * metalab_deaths - metalab_deaths)).3"
  eval "metalab_deaths_$1=$metalab_deaths metalab_restarts_$1=$metalab_restarts metalab_started_$1=$SECONDS"
  metalab_tell "restarts-$metalab_name" "$metalab_restarts"
  metalab_start "$1"
}
metalab_turn=0
while :; do
  metalab_nap 1
  metalab_yield
  metalab_turn=$(((metalab_turn + 1) % 5))
  metalab_at=0
  while [ "$metalab_at" -lt "$metalab_count" ]; do
    metalab_select "$metalab_at"
    if ! metalab_lives; then metalab_restart "$metalab_at"
    elif [ "$metalab_turn" = 0 ]; then
      metalab_bound_log
      if ! metalab_healthy_$metalab_at; then rm -f "state/ready-$metalab_name"
      elif [ ! -e "state/ready-$metalab_name" ]; then metalab_tell "ready-$metalab_name" "$(metalab_now)"
      fi
    fi
    metalab_at=$((metalab_at + 1))
  done
done
`;
