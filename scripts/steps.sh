# Sourced by the scripts beside it: named and timed steps, what did not run, and a summary.
#
#   step NAME COMMAND...   runs the command, shows its output, remembers how it ended; goes on
#   not_run WHAT WHY       says that a check could not run on this machine; goes on
#   summary                prints every step and everything that did not run; fails if a step failed
#
# A step that is itself such a script hands its lines "NOT RUN: ..." up to the summary.

cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
target=${CARGO_TARGET_DIR:-$root/target}
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}
results=()
skipped=()
failed=0

step() {
    local name=$1 log began status=0 line
    shift
    mkdir -p "$target/checks"
    log=$target/checks/${name//[^a-zA-Z0-9]/-}.$$.log
    began=$SECONDS
    printf '\n== %s: %s\n' "$name" "$*"
    # Not `... || status=$?`: there bash would ignore `set -e` in the functions that are called.
    set +e
    (set -euo pipefail; "$@") 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    set -e
    while IFS= read -r line; do skipped+=("$line"); done < <(grep -E '^NOT RUN: ' "$log" | sort -u || true)
    rm -f "$log"
    if [ "$status" -eq 0 ]; then
        results+=("$(printf 'ok      %4d s  %s' $((SECONDS - began)) "$name")")
    else
        results+=("$(printf 'FAILED  %4d s  %s (exit %d)' $((SECONDS - began)) "$name" "$status")")
        failed=1
    fi
}

not_run() {
    local line="NOT RUN: $1: $2"
    skipped+=("$line")
    echo "$line"
}

summary() {
    printf '\n== summary of %s\n' "$(basename "$0")"
    if [ ${#results[@]} -gt 0 ]; then printf '%s\n' "${results[@]}"; fi
    if [ ${#skipped[@]} -gt 0 ]; then printf '%s\n' "${skipped[@]}" | sort -u; fi
    printf '%d steps, %d s: %s\n' ${#results[@]} "$SECONDS" "$([ $failed -eq 0 ] && echo passed || echo FAILED)"
    return $failed
}

# Runs a command for at most so many seconds, where the machine can bound it.
within() {
    local seconds=$1
    shift
    if command -v timeout >/dev/null; then timeout --kill-after=10 "$seconds" "$@"; else "$@"; fi
}

has_nextest() { cargo nextest --version >/dev/null 2>&1; }
