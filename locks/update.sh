#!/bin/sh
# Makes the four locks from pyproject.toml: every version and hash, for every platform and Python that we support, and
# no registry address. Pins stay where they are unless told otherwise: ./run lock --upgrade
set -eu
cd -- "$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)"
export UV_PYTHON_DOWNLOADS=never UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"

pins=$(mktemp)
trap 'rm -f "$pins"' EXIT

resolve() { # $1 names the lock; the rest goes to uv
    lock=locks/$1.txt
    shift
    echo "* locking $lock" >&2
    .venv/bin/python -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate \
        --no-emit-index-url --no-emit-find-links --custom-compile-command "./run lock" --output-file "$lock" "$@"
}

# The widest set first; the narrower ones may only choose the same versions.
resolve all pyproject.toml --extra search --extra cluster --extra postgres --group build --group test --group lint --group oracle --group nautilus --group docs "$@"
sed -n 's/^\([a-zA-Z0-9].*==.*[^ ]\) *\\$/\1/p' locks/all.txt >"$pins"
resolve test pyproject.toml --extra search --extra cluster --extra postgres --group build --group test --group lint --constraints "$pins" "$@"
resolve core pyproject.toml --extra search --group build --constraints "$pins" "$@"
resolve uv --group uv "$@"

if grep -nE '://|^-' locks/*.txt; then
    echo "an address or an option stands in a lock (above); a lock names packages and hashes only" >&2
    exit 1
fi
grep -c '==' locks/*.txt >&2
