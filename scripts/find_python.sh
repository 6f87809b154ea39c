# Sourced: which interpreters this project runs on, and the first of them that is here.
python_candidates=(python3.13 python3.12 python3.11 python3)
[ -z "${PYTHON:-}" ] || python_candidates=("$PYTHON")

# A name on PATH proves nothing (version managers put stubs there), so each is tried.
usable_python() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

# Prints the full path of the interpreter; fails where there is none.
find_python() {
    local candidate
    for candidate in "${python_candidates[@]}"; do
        if usable_python "$candidate"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    return 1
}
